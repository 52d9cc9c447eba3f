var one = JSON.parse(context.getVariable('one.content'));
var failed = context.getVariable('servicecallout.SC-Two.failed');
response.headers['X-Joined'] = 'yes';
response.content = JSON.stringify({ one: tag(one.name), two: failed ? null : context.getVariable('two.content') });

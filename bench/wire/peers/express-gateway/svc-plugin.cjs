// The svc workload as an Express Gateway policy.
const callout = import('../callout.mjs')

function addUser(request, _response, next) {
  void callout.then(({ fetchUser }) =>
    fetchUser((error, user) => {
      if (error) return next(error)
      request.headers['x-user'] = user
      request.url = request.url.slice('/svc'.length)
      next()
    }),
  )
}

module.exports = {
  version: '1.0.0',
  policies: ['svc'],
  schema: { $id: 'http://bench/plugins/svc.json', type: 'object' },
  init(context) {
    context.registerPolicy({
      name: 'svc',
      schema: { $id: 'http://bench/policies/svc.json', type: 'object', properties: {} },
      policy: () => addUser,
    })
  },
}

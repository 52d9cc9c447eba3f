/** Pages that must work before there is a session, and without a script. */

function page(title: string, head: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · Postern</title>
<link rel="icon" href="/assets/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/assets/app.css">
${head}</head>
<body class="alone">
<main class="alone-card">
${body}
</main>
</body>
</html>
`
}

// To the address that it stands at: whoever wanted a page gets that page.
const form = `<form method="post">
<label for="token">Admin token</label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus>
<button type="submit">Open the dashboard</button>
</form>`

/** `wrong`: a token was given and it was not the right one. */
export function signInPage(wrong: boolean): string {
  const problem = wrong ? '<p class="alone-problem" role="alert">That is not the admin token of this gateway.</p>' : ''
  return page(
    'Sign in',
    '',
    `<h1>Postern</h1>
<p>Open the dashboard with the link that the gateway printed when it started, or paste the admin token.
It is in the file <code>admin-token</code> of the data folder, unless <code>POSTERN_ADMIN_TOKEN</code> was set.</p>
${problem}${form}`,
  )
}

export function unbuiltPage(): string {
  return page(
    'No dashboard',
    '',
    `<h1>Postern</h1>
<p>The gateway runs, but its dashboard was not built. Run <code>npm run build</code> and start it again.</p>`,
  )
}

/** Asks for the same address again, this time from a page of ours. */
export function reloadPage(url: string): string {
  const safe = url.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
  return page('Opening', `<meta http-equiv="refresh" content="0;url=${safe}">\n`, '<p>Opening the dashboard …</p>')
}

import type { Exchange } from '../../engine/exchange.ts'
import type { Reply, Step } from '../../engine/outcome.ts'
import type { CorsConfig } from '../../model/apicast-policies.ts'

/** APIcast's CORS: a preflight is answered at once, every other answer gets the headers. What is not configured is what was asked for. */
export function corsStep(config: CorsConfig, preflightReply: () => Reply): Step {
  return (x) => {
    const { request } = x
    const origin = request.headers.get('origin')
    const asked = request.headers.get('access-control-request-method')
    const preflight = request.verb === 'OPTIONS' && origin !== undefined && asked !== undefined
    x.answerHeaders = [...(x.answerHeaders ?? []), ...corsHeaders(x, config, origin, asked)]
    return preflight ? preflightReply() : undefined
  }
}

function corsHeaders(
  x: Exchange,
  { allowHeaders, allowMethods, allowOrigin, allowCredentials, maxAge }: CorsConfig,
  origin: string | undefined,
  asked: string | undefined,
): string[] {
  const headers: string[] = []
  const put = (name: string, value: string | undefined): void => {
    if (value !== undefined && value !== '') headers.push(name, value)
  }
  put(
    'Access-Control-Allow-Headers',
    allowHeaders?.join(', ') ?? x.request.headers.get('access-control-request-headers'),
  )
  put('Access-Control-Allow-Methods', allowMethods?.join(', ') ?? asked)
  put('Access-Control-Allow-Origin', allowOrigin ?? origin)
  if (allowCredentials && allowOrigin !== '*') put('Access-Control-Allow-Credentials', 'true')
  if (maxAge !== null) put('Access-Control-Max-Age', String(maxAge))
  if (allowOrigin === null) put('Vary', 'Origin')
  return headers
}

// Who calls the demo, and how: one table for the calls that are made and for the day that is made up.
import type { AnsweredBy } from '../../src/core/answered-by.ts'

/** One kind of call: how it is made, and what the gateway keeps of it. A test makes each and compares. */
export interface Kind {
  /** Calls in ten thousand, on a good day. */
  readonly share: number
  /** How many times more often in a bad hour. */
  readonly bad?: number
  readonly method?: 'GET' | 'POST'
  /** `KEY` stands for the key of the caller. */
  readonly path: string
  /** What the stand-in of the shop is asked to do. */
  readonly standIn?: string
  /** The client goes away before its answer. */
  readonly leaves?: true
  /** Whose key it brings; null: it brings none that counts. */
  readonly caller: Caller | null
  /** The answer, and what is kept of the call; `ms` is what it takes in the made-up day. */
  readonly status: number
  readonly targetStatus: number
  readonly answeredBy: AnsweredBy
  readonly errorCode: string
  readonly proxy: string
  readonly ms: number
  /** Beside hits. */
  readonly metric?: string
}

export interface Caller {
  readonly application: string
  readonly account: string
  readonly key: string
}

const WEB: Caller = { application: '101', account: 'acme', key: 'web-demo-key' }
const MOBILE: Caller = { application: '102', account: 'acme', key: 'mobile-demo-key' }
const ROBOT: Caller = { application: '103', account: 'globex', key: 'robot-demo-key' }
const REPORT: Caller = { application: '104', account: 'initech', key: 'report-demo-key' }

const weather = (part: Partial<Kind> & Pick<Kind, 'share' | 'path' | 'ms'>): Kind => ({
  caller: null,
  status: 200,
  targetStatus: 200,
  answeredBy: 'target',
  errorCode: '',
  proxy: 'weather',
  ...part,
})

const shop = (caller: Caller | null, part: Partial<Kind> & Pick<Kind, 'share' | 'path' | 'ms'>): Kind => ({
  caller,
  status: 200,
  targetStatus: 200,
  answeredBy: 'target',
  errorCode: '',
  proxy: 'shop',
  ...part,
})

const products = (caller: Caller, share: number, ms: number): Kind =>
  shop(caller, { share, path: '/shop/products?user_key=KEY', ms, metric: 'products' })
const product = (caller: Caller, share: number, sku: string): Kind =>
  shop(caller, { share, path: `/shop/products/${sku}?user_key=KEY`, ms: 9, metric: 'products' })
const order = (caller: Caller, share: number): Kind =>
  shop(caller, {
    share,
    method: 'POST',
    path: '/shop/orders?user_key=KEY',
    ms: 46,
    status: 201,
    targetStatus: 201,
    metric: 'orders',
  })

export const KINDS: readonly Kind[] = [
  weather({ share: 1400, path: '/weather/forecast?postalcode=10115&country=DE', ms: 24 }),
  weather({ share: 900, path: '/weather/forecast?postalcode=75001&country=FR', ms: 31 }),
  weather({ share: 260, path: '/weather/about', ms: 1, targetStatus: 0, answeredBy: 'policy' }),
  weather({
    share: 120,
    path: '/weather/forecast?postalcode=00000',
    ms: 12,
    status: 404,
    targetStatus: 0,
    answeredBy: 'callout',
    errorCode: 'steps.servicecallout.ExecutionFailed',
  }),
  weather({
    share: 18,
    bad: 14,
    path: '/weather/forecast?postalcode=99999',
    ms: 14,
    status: 503,
    targetStatus: 0,
    answeredBy: 'callout',
    errorCode: 'steps.servicecallout.ExecutionFailed',
  }),
  weather({
    share: 90,
    path: '/weather/forecast',
    ms: 1,
    status: 400,
    targetStatus: 0,
    answeredBy: 'policy',
    errorCode: 'steps.raisefault.RaiseFault',
  }),

  products(WEB, 1500, 18),
  products(MOBILE, 1150, 21),
  products(REPORT, 260, 17),
  products(ROBOT, 170, 17),
  product(WEB, 1350, 'kettle'),
  product(MOBILE, 900, 'lamp'),
  product(REPORT, 180, 'chair'),
  order(WEB, 520),
  order(MOBILE, 310),
  shop(MOBILE, { share: 330, path: '/shop/search?user_key=KEY', ms: 64, metric: 'search' }),
  shop(WEB, {
    share: 110,
    path: '/shop/products/sofa?user_key=KEY',
    ms: 7,
    status: 404,
    targetStatus: 404,
    errorCode: 'messaging.adaptors.http.flow.ErrorResponseCode',
    metric: 'products',
  }),
  shop(WEB, {
    share: 14,
    bad: 40,
    path: '/shop/products?user_key=KEY',
    standIn: '503',
    ms: 210,
    status: 503,
    targetStatus: 503,
    errorCode: 'messaging.adaptors.http.flow.ErrorResponseCode',
    metric: 'products',
  }),
  shop(MOBILE, {
    share: 9,
    bad: 25,
    method: 'POST',
    path: '/shop/orders?user_key=KEY',
    standIn: '500',
    ms: 90,
    status: 500,
    targetStatus: 500,
    errorCode: 'messaging.adaptors.http.flow.ErrorResponseCode',
    metric: 'orders',
  }),
  shop(MOBILE, {
    share: 6,
    bad: 30,
    path: '/shop/search?user_key=KEY',
    standIn: 'late',
    ms: 1500,
    status: 504,
    targetStatus: 0,
    answeredBy: 'gateway',
    errorCode: 'messaging.adaptors.http.flow.GatewayTimeout',
    metric: 'search',
  }),
  shop(MOBILE, {
    share: 30,
    bad: 4,
    path: '/shop/search?user_key=KEY',
    standIn: 'late',
    leaves: true,
    ms: 300,
    status: 499,
    targetStatus: 0,
    answeredBy: 'client',
    errorCode: 'messaging.adaptors.http.flow.UnexpectedEOFAtClient',
    metric: 'search',
  }),
  shop(null, {
    share: 95,
    path: '/shop/products?user_key=an-old-key',
    ms: 1,
    status: 403,
    targetStatus: 0,
    answeredBy: 'policy',
    errorCode: 'steps.authrep.AuthFailed',
  }),
  shop(null, {
    share: 60,
    path: '/shop/products',
    ms: 1,
    status: 401,
    targetStatus: 0,
    answeredBy: 'policy',
    errorCode: 'steps.authrep.AuthMissing',
  }),
  weather({
    share: 40,
    path: '/nothing/here',
    ms: 1,
    status: 404,
    targetStatus: 0,
    answeredBy: 'gateway',
    errorCode: 'messaging.adaptors.http.flow.ApplicationNotFound',
    proxy: '',
  }),
]

const HOUR_MS = 3_600_000

/** Calls a second at that time: mornings rise, nights are quiet, weekends too. */
export function callsPerSecond(timeMs: number): number {
  const date = new Date(timeMs)
  const hour = date.getHours() + date.getMinutes() / 60
  const weekend = date.getDay() % 6 === 0 ? 0.6 : 1
  return 9 * weekend * (0.25 + 0.75 * Math.exp(-(((hour - 14) / 5) ** 2)))
}

/** The made-up day has one hour in which servers fail: from four to three hours before its end. */
export const isBadHour = (agoMs: number): boolean => agoMs > 3 * HOUR_MS && agoMs < 4 * HOUR_MS

const MINUTE_MS = 60_000

/**
 * While the demo runs, servers fail for two minutes of each quarter of an hour, the first time half a minute after its start: a made-up
 * call cannot be explained, and these can.
 */
export const isBadSpell = (runsForMs: number): boolean => {
  const atMs = runsForMs % (15 * MINUTE_MS)
  return atMs >= 0.5 * MINUTE_MS && atMs < 2.5 * MINUTE_MS
}

/** How often a kind comes in a good hour, or in a bad one. */
export const shareOf = ({ share, bad = 1 }: Kind, isBad: boolean): number => (isBad ? share * bad : share)

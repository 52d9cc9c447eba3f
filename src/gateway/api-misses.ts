import type { BAD_PATH, NO_METHOD } from '../apig/router.ts'
import { apigFault, detailedFault } from '../engine/apig-faults.ts'
import type { Fault } from '../engine/fault.ts'

const NO_API = apigFault('ApiNotFound')
const MISSES: Readonly<Record<typeof NO_METHOD | typeof BAD_PATH, Fault>> = {
  'no-method': apigFault('MethodNotFound'),
  'bad-path': detailedFault('RequestError', 'the path is not well-formed, or holds . and .. segments'),
}

/** Why a call finds no API of the apig dialect. */
export const missOf = (found: typeof NO_METHOD | typeof BAD_PATH | null): Fault =>
  found === null ? NO_API : MISSES[found]

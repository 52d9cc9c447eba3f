import type { MessagePort } from 'node:worker_threads'
import type { KeyValueMaps, MapAnswer, MapOperation } from '../../core/key-value-maps.ts'
import { AskingPort, answeringPort } from './ask-port.ts'

interface Ask {
  readonly map: string
  readonly operations: readonly MapOperation[]
}

/** A port over which one more thread reaches the maps. */
export function keyValuePort(owner: KeyValueMaps): MessagePort {
  return answeringPort<Ask, MapAnswer>(({ map, operations }) => owner.run(map, operations))
}

const SILENT: MapAnswer = { done: false, why: 'the store of the key value maps does not answer' }

/** The maps as a gateway thread sees them: asks the thread that owns them. */
export class RemoteKeyValueMaps implements KeyValueMaps {
  readonly #owner: AskingPort<Ask, MapAnswer>

  constructor(port: MessagePort, answerMsMax?: number) {
    this.#owner = new AskingPort(port, answerMsMax)
  }

  run(map: string, operations: readonly MapOperation[]): Promise<MapAnswer> {
    return this.#owner.ask({ map, operations }, SILENT)
  }
}

import type { Publication, Text } from '../gateway/protocol.ts'
import { apigTexts } from '../gateway/serve-apis.ts'
import type { DeployedProxy, PosternConfig } from '../model/deployment.ts'
import { responseCodesOf } from './check-access.ts'

/**
 * Puts what is to be served into texts for the gateway threads. What is as it was keeps its id, so that nobody writes, sends or compiles
 * it again: one proxy of many is deployed for the price of one.
 */
export class Publications {
  readonly #proxies = new WeakMap<DeployedProxy, Text & { readonly text: string }>()
  /** By environment. */
  readonly #settings = new Map<string, Text>()
  #generation = 0
  #lastId = 0

  of(config: PosternConfig): Publication {
    return {
      generation: ++this.#generation,
      environments: [config.settings, ...config.environments].map((settings) => this.#settingsText(settings)),
      responseCodes: responseCodesOf(config.responseCodes, process.env),
      proxies: config.proxies.map((deployed) => this.#proxyText(deployed)),
      apig: apigTexts(config.apig),
    }
  }

  #proxyText(deployed: DeployedProxy): Text {
    const known = this.#proxies.get(deployed)
    if (known !== undefined) return known
    const made = { id: ++this.#lastId, text: JSON.stringify(deployed) }
    this.#proxies.set(deployed, made)
    return made
  }

  #settingsText(settings: PosternConfig['settings']): Text {
    const text = JSON.stringify(settings)
    const known = this.#settings.get(settings.environment)
    if (known?.text === text) return known
    const made = { id: ++this.#lastId, text }
    this.#settings.set(settings.environment, made)
    return made
  }
}

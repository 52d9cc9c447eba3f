import { isFilled, sourceTextOf } from '../../model/http-connection.ts'
import { didYouMean } from '../../model/nearest.ts'
import type { Problems } from '../../model/problem.ts'
import type { SourceText } from '../../model/source.ts'
import { childrenOf, type XmlElement } from '../../model/xml.ts'

/** What each element of an endpoint, a flow or the descriptor may hold. Anything else is warned of as UnknownElement. */
const knownChildren: Readonly<Record<string, readonly string[]>> = {
  ProxyEndpoint: [
    ...['Description', 'DisplayName', 'FaultRules', 'DefaultFaultRule', 'PreFlow', 'Flows', 'PostFlow'],
    ...['PostClientFlow', 'HTTPProxyConnection', 'RouteRule', 'EventFlow', 'Properties'],
  ],
  TargetEndpoint: [
    ...['Description', 'DisplayName', 'FaultRules', 'DefaultFaultRule', 'PreFlow', 'Flows', 'PostFlow', 'EventFlow'],
    ...['HTTPTargetConnection', 'LocalTargetConnection', 'ScriptTarget', 'HostedTarget', 'Properties'],
  ],
  HTTPProxyConnection: ['BasePath', 'VirtualHost', 'Properties'],
  RouteRule: ['Condition', 'TargetEndpoint', 'URL'],
  Flows: ['Flow', 'PostFlow', 'PreFlow'],
  Flow: ['Description', 'DisplayName', 'Condition', 'Request', 'Response'],
  PreFlow: ['Description', 'DisplayName', 'Condition', 'Request', 'Response'],
  PostFlow: ['Description', 'DisplayName', 'Condition', 'Request', 'Response'],
  PostClientFlow: ['Description', 'DisplayName', 'Condition', 'Request', 'Response'],
  Request: ['Step'],
  Response: ['Step'],
  Step: ['Name', 'Condition', 'FaultRules'],
  FaultRules: ['FaultRule'],
  FaultRule: ['Description', 'Condition', 'Step'],
  DefaultFaultRule: ['Description', 'Condition', 'Step', 'AlwaysEnforce'],
  SharedFlow: ['Description', 'DisplayName', 'Step'],
  SharedFlowBundle: [
    ...['ConfigurationVersion', 'CreatedAt', 'CreatedBy', 'Description', 'DisplayName', 'LastModifiedAt'],
    ...['LastModifiedBy', 'ManifestVersion', 'Policies', 'Resources', 'Spec', 'SharedFlows', 'subType', 'Type'],
    ...[
      'ResourceFiles',
      'EntityMetaDataAsProperties',
      'ProxyEndpoints',
      'TargetEndpoints',
      'TargetServers',
      'validate',
    ],
  ],
  APIProxy: [
    ...['Basepaths', 'BasePaths', 'ConfigurationVersion', 'CreatedAt', 'CreatedBy', 'Description', 'DisplayName'],
    ...['LastModifiedAt', 'LastModifiedBy', 'ManifestVersion', 'Policies', 'ProxyEndpoints', 'Resources', 'Spec'],
    ...[
      'StepDefinitions',
      'TargetEndpoints',
      'TargetServers',
      'validate',
      'SharedFlows',
      'Type',
      'TargetAuthentication',
    ],
    ...['IntegrationEndpoints', 'ResourceFiles', 'Services', 'EntityMetaDataAsProperties', 'Attributes', 'Properties'],
  ],
}

/** Warns of children that nobody knows and of text where only elements have a meaning. */
export function checkChildren(element: XmlElement, problems: Problems): void {
  const known = knownChildren[element.name] ?? []
  for (const child of element.children) {
    if (known.includes(child.name)) continue
    const nearest = didYouMean(child.name, known)
    const text = `<${child.name}> is not known in ${element.name} and has no effect${nearest}`
    problems.warn('UnknownElement', child.at, text)
  }
  if (element.text.trim() === '') return
  const shown = JSON.stringify(element.text.trim().slice(0, 40))
  problems.warn('StrayText', sourceTextOf(element)?.at ?? element.at, `text ${shown} in ${element.name} has no meaning`)
}

/**
 * The one child of that name: where there are several, the filled one, with a warning; two filled ones are the error
 * DuplicateElement.
 */
export function onlyChild(element: XmlElement, name: string, problems: Problems): XmlElement | undefined {
  const found = childrenOf(element, name)
  const [first, second] = found
  if (second === undefined) return first
  const [filled, alsoFilled] = found.filter(isFilled)
  const text = `a second <${name}> in ${element.name}; there can be one`
  if (alsoFilled !== undefined) problems.error('DuplicateElement', alsoFilled.at, text)
  else problems.warn('DuplicateElement', second.at, text)
  return filled ?? first
}

/** An empty condition counts as none. */
export function conditionOf(element: XmlElement, problems: Problems): SourceText | null {
  const condition = onlyChild(element, 'Condition', problems)
  if (condition === undefined) return null
  for (const child of condition.children) {
    problems.error('InvalidCondition', child.at, `<${child.name}> in a condition; write &lt; for a less-than sign`)
  }
  return sourceTextOf(condition)
}

/** `true` or `false` in any case, white space allowed; anything else is the error InvalidValue. */
export function booleanOf(
  text: string | undefined,
  fallback: boolean,
  where: { readonly what: string; readonly element: XmlElement },
  problems: Problems,
): boolean {
  const word = (text ?? '').trim().toLowerCase()
  if (word === '') return fallback
  if (word === 'true' || word === 'false') return word === 'true'
  problems.error('InvalidValue', where.element.at, `${where.what} must be true or false, not ${JSON.stringify(text)}`)
  return fallback
}

const NAME = /^[A-Za-z0-9._\-$ %]{1,255}$/

/** The attribute `name` of a policy or an endpoint, by Edge's rule; null after MissingName or InvalidName. */
export function nameOf(element: XmlElement, problems: Problems): string | null {
  const name = element.attributes['name']?.trim() ?? ''
  if (NAME.test(name)) return name
  if (name === '') problems.error('MissingName', element.at, `<${element.name}> needs the attribute name`)
  else {
    const rule = 'letters, digits, blanks and . _ - $ %, at most 255 of them'
    problems.error('InvalidName', element.at, `the name ${JSON.stringify(name.slice(0, 300))} must be ${rule}`)
  }
  return null
}

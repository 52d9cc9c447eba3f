import { TEMPLATE_FUNCTIONS, type TemplateEnv } from './template-functions.ts'
import type { Argument, Template, TemplatePart } from './template-parser.ts'
import { type Read, type Resolve, toText } from './value.ts'

export type { TemplateEnv } from './template-functions.ts'
export { type Delimiters, parseTemplate, type Template } from './template-parser.ts'

/** Says that a name in a template has no value; the engine makes the fault entities.UnresolvedVariable of it. */
export class Unresolved {
  readonly name: string

  constructor(name: string) {
    this.name = name
  }
}

/** The text now, or the first name without a value (never that, when unresolved names are ignored). Never throws. */
export type Render<X> = (x: X) => string | Unresolved

export interface RenderOptions {
  /** True: what is not set is the empty text, and an unquoted argument that is no variable is taken as text. */
  readonly ignoreUnresolved: boolean
}

/** Compiles a parsed template. A call that was reported as a problem counts as unresolved. */
export function compileTemplate<X>(
  template: Template,
  resolve: Resolve<X>,
  options: RenderOptions,
  env: TemplateEnv,
): Render<X> {
  const { ignoreUnresolved: ignore } = options
  const renders: Render<X>[] = []
  /** The text before each reference, and last the text after all. */
  const texts = ['']
  for (const part of template.parts) {
    if (part.kind === 'literal') texts[texts.length - 1] += part.text
    else {
      renders.push(part.kind === 'variable' ? variable(part, resolve, ignore) : call(part, resolve, ignore, env))
      texts.push('')
    }
  }
  return joined(texts, renders)
}

function joined<X>(texts: readonly string[], renders: readonly Render<X>[]): Render<X> {
  const first = texts[0]!
  const render = renders[0]
  if (render === undefined) return () => first
  if (renders.length > 1) return joinedAll(texts, renders)
  const last = texts[1]!
  if (first === '' && last === '') return render
  return (x) => {
    const text = render(x)
    return typeof text === 'string' ? first + text + last : text
  }
}

function joinedAll<X>(texts: readonly string[], renders: readonly Render<X>[]): Render<X> {
  return (x) => {
    let out = texts[0]!
    for (let i = 0; i < renders.length; i++) {
      const text = renders[i]!(x)
      if (typeof text !== 'string') return text
      out += text + texts[i + 1]!
    }
    return out
  }
}

function variable<X>(part: TemplatePart & { kind: 'variable' }, resolve: Resolve<X>, ignore: boolean): Render<X> {
  const read = resolve(part.name)
  const missing = part.fallback ?? (ignore ? '' : new Unresolved(part.name))
  return (x) => {
    const value = read(x)
    return typeof value === 'string' ? value : value === null ? missing : toText(value)
  }
}

/** An argument that is ready, or what to read and what stands for it when that is not set (null: nothing does). */
interface CompiledArgument<X> {
  readonly read: Read<X> | null
  readonly text: string | null
  readonly name: string
}

function call<X>(
  part: TemplatePart & { kind: 'call' },
  resolve: Resolve<X>,
  ignore: boolean,
  env: TemplateEnv,
): Render<X> {
  const missing = ignore ? '' : new Unresolved(part.name)
  const known = TEMPLATE_FUNCTIONS.get(part.name)
  if (known === undefined || part.args.length < known.argumentsMin || part.args.length > known.argumentsMax) {
    return () => missing
  }
  const { run, skipsUnset = false } = known
  const args = part.args.map((arg) => compileArgument(arg, resolve, ignore && !skipsUnset))
  return (x) => {
    const values: string[] = []
    for (const arg of args) {
      const value = arg.read === null ? null : arg.read(x)
      if (value !== null) values.push(toText(value))
      else if (arg.text !== null) values.push(arg.text)
      else if (!skipsUnset) return new Unresolved(arg.name)
    }
    return run(values, env) ?? missing
  }
}

function compileArgument<X>(arg: Argument, resolve: Resolve<X>, wordsAreText: boolean): CompiledArgument<X> {
  if (arg.kind === 'literal') return { read: null, text: arg.text, name: arg.text }
  return { read: resolve(arg.text), text: arg.fallback ?? (wordsAreText ? arg.text : null), name: arg.text }
}

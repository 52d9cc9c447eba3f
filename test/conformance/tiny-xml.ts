import saxes from 'saxes'

export interface Node {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  readonly children: Node[]
  text: string
}

export type Selected = Node | string

/** Finds what the cases' tiny paths name: `a/b` below any node, `[attr=value]`, trailing `/@attr`. */
export function selectXml(text: string, path: string): Selected[] {
  const steps = path.split('/').map((step) => {
    const match = /^(@?)([\w.-]+)((?:\[[^\]]+\])*)$/.exec(step)
    if (match === null) throw new Error(`no path of ours: ${path}`)
    const conditions = [...match[3]!.matchAll(/\[([^=]+)=([^\]]*)\]/g)].map((one) => [one[1]!, one[2]!] as const)
    return { attribute: match[1] === '@', name: match[2]!, conditions }
  })
  const fits = (node: Node, { name, conditions }: (typeof steps)[number]): boolean =>
    node.name === name && conditions.every(([key, value]) => node.attributes[key] === value)
  let found = all(parse(text)).filter((node) => fits(node, steps[0]!))
  for (const step of steps.slice(1)) {
    if (step.attribute) return found.flatMap((node) => node.attributes[step.name] ?? [])
    found = found.flatMap((node) => node.children.filter((child) => fits(child, step)))
  }
  return found
}

export const childText = (found: Selected): string => (typeof found === 'string' ? found : found.text)

function all(node: Node): Node[] {
  return [node, ...node.children.flatMap(all)]
}

function parse(text: string): Node {
  const root: Node = { name: '', attributes: {}, children: [], text: '' }
  const stack = [root]
  const parser = new saxes.SaxesParser({ fragment: false })
  parser.on('opentag', (tag) => {
    const node: Node = { name: tag.name, attributes: tag.attributes as Record<string, string>, children: [], text: '' }
    stack.at(-1)!.children.push(node)
    stack.push(node)
  })
  parser.on('text', (part) => {
    stack.at(-1)!.text += part
  })
  parser.on('closetag', () => void stack.pop())
  parser.on('error', (error) => {
    throw error
  })
  parser.write(text).close()
  return root
}

import { RELEASE } from '../../model/apig.ts'
import type { ApigResource } from '../../model/deployment.ts'
import type { Problems } from '../../model/problem.ts'
import { readApigSection } from '../apig/section.ts'
import { ShapeReading } from '../postern/shape.ts'
import { readYaml } from '../postern/yaml-tree.ts'
import { documentPlace, openApiSection } from './index.ts'

/**
 * Reads an OpenAPI 3 or Swagger 2 file, YAML or JSON: a group of APIs, published in RELEASE. Without `x-apigateway-*` each
 * operation goes to the server of the file at its own path. Problems have line and column.
 */
export function readOpenApiFile(text: string, file: string, problems: Problems): ApigResource[] {
  const before = problems.list.length
  const shape = new ShapeReading(file, problems)
  const value = plainValue(text, file, shape, problems)
  if (problems.list.slice(before).some(({ severity }) => severity === 'error')) return []
  const read = openApiSection(value, { publish: [RELEASE] })
  if (read === null) {
    problems.error(
      'NotSupported',
      shape.places.at(''),
      'neither OpenAPI 3 nor Swagger 2: openapi must be 3.x, or swagger 2.0',
    )
    return []
  }
  for (const { place, message } of read.warnings) problems.warn('NotChecked', shape.places.at(place), message)
  for (const { place, message } of read.faults) problems.error('BadApi', shape.places.at(place), `${place}: ${message}`)
  return readApigSection(read.section, (path, message) => {
    const place = documentPlace(read.places, path)
    problems.error('BadApi', shape.places.at(place), place === '' ? message : `${place}: ${message}`)
  })
}

/** YAML or JSON as plain data; what is wrong with it is in the problems. */
export const readTree = (text: string, file: string, problems: Problems): unknown =>
  plainValue(text, file, new ShapeReading(file, problems), problems)

function plainValue(text: string, file: string, shape: ShapeReading, problems: Problems): unknown {
  const tree = readYaml(text, file, null, problems)
  return tree === null ? undefined : shape.read(tree, { type: 'open', what: 'an OpenAPI document' }, '')
}

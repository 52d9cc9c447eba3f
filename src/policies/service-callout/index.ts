import { definePolicy, type PolicyKind } from '../../engine/policy.ts'
import { compileCallout } from './compile.ts'
import { faults } from './faults.ts'
import { type Config, parse } from './parse.ts'

/**
 * Calls another service from a flow and keeps its answer in a variable.
 *
 *     <ServiceCallout name="SC-Geocode">
 *       <Request variable="geocodeRequest">
 *         <Set><QueryParams><QueryParam name="address">{request.queryparam.postcode}</QueryParam></QueryParams></Set>
 *       </Request>
 *       <Response>geocodeResponse</Response>
 *       <Timeout>3000</Timeout>
 *       <HTTPTargetConnection><URL>http://maps.example.com/geocode</URL></HTTPTargetConnection>
 *     </ServiceCallout>
 *
 * Source: Apigee's reference of the ServiceCallout policy.
 */
const serviceCallout: PolicyKind = definePolicy<Config, typeof faults>({
  element: 'ServiceCallout',
  prefix: 'servicecallout',
  faults,
  parse,
  compile: compileCallout,
})

export default serviceCallout

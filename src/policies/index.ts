import type { PolicyKinds } from '../engine/policy.ts'
import accessControl from './access-control/index.ts'
import { APICAST_KINDS } from './apicast/index.ts'
import assertCondition from './assert-condition/index.ts'
import assignMessage from './assign-message/index.ts'
import authRep from './auth-rep/index.ts'
import basicAuthentication from './basic-authentication/index.ts'
import cors from './cors/index.ts'
import extractVariables from './extract-variables/index.ts'
import flowCallout from './flow-callout/index.ts'
import invalidateCache from './invalidate-cache/index.ts'
import javascript from './javascript/index.ts'
import jsonToXml from './json-to-xml/index.ts'
import keyValueMapOperations from './key-value-map-operations/index.ts'
import lookupCache from './lookup-cache/index.ts'
import messageLogging from './message-logging/index.ts'
import populateCache from './populate-cache/index.ts'
import quota from './quota/index.ts'
import raiseFault from './raise-fault/index.ts'
import resetQuota from './reset-quota/index.ts'
import responseCache from './response-cache/index.ts'
import serviceCallout from './service-callout/index.ts'
import spikeArrest from './spike-arrest/index.ts'
import verifyApiKey from './verify-api-key/index.ts'
import xmlToJson from './xml-to-json/index.ts'
import xsl from './xsl/index.ts'

/** All kinds of policies that bundles may have, by their root element. A new one is a folder and a line here. */
export const POLICY_KINDS: PolicyKinds = new Map(
  [
    accessControl,
    assertCondition,
    assignMessage,
    authRep,
    basicAuthentication,
    cors,
    extractVariables,
    flowCallout,
    invalidateCache,
    javascript,
    jsonToXml,
    keyValueMapOperations,
    lookupCache,
    populateCache,
    messageLogging,
    quota,
    raiseFault,
    resetQuota,
    responseCache,
    serviceCallout,
    spikeArrest,
    verifyApiKey,
    xmlToJson,
    xsl,
  ].map((kind) => [kind.element, kind]),
)

/** What proxies are compiled with: those of policy chains too. */
export const ALL_KINDS: PolicyKinds = new Map([...POLICY_KINDS, ...APICAST_KINDS])

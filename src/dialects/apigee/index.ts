export { type BundleOptions, type BundleRead, readBundle } from './bundle.ts'
export { type BundleFiles, type BundleFilesRead, baseOfFolder, filesOfFolder, filesOfZip } from './files.ts'
export type { PolicyReader, PolicyReaders } from './policies.ts'

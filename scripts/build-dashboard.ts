import { copyFileSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const sources = join(root, 'dashboard')

export interface DashboardBuild {
  /** The folder that the admin door serves. */
  readonly folder: string
  /** False: what was there is newer than every source, and nothing was done. */
  readonly built: boolean
}

/**
 * Bundles the dashboard into `folder` (default `dashboard/dist`): index.html, app.js, app.css, icon.svg. Does nothing when that is
 * newer than every source, so that a start may always call it. Rejects with esbuild's messages when a source is wrong.
 */
export async function buildDashboard(folder: string = join(sources, 'dist')): Promise<DashboardBuild> {
  if (isFresh(folder)) return { folder, built: false }
  const { build } = await import('esbuild')
  mkdirSync(folder, { recursive: true })
  copyFileSync(join(sources, 'index.html'), join(folder, 'index.html'))
  copyFileSync(join(sources, 'icon.svg'), join(folder, 'icon.svg'))
  await build({
    entryPoints: { app: join(sources, 'src/app.tsx') },
    outdir: folder,
    bundle: true,
    minify: true,
    format: 'esm',
    target: ['es2023'],
    jsx: 'automatic',
    jsxImportSource: 'preact',
    legalComments: 'none',
    logLevel: 'silent',
  })
  // Last and after the script: its date says that all of it is there.
  await build({
    entryPoints: { app: join(sources, 'styles/app.css') },
    outdir: folder,
    bundle: true,
    minify: true,
    logLevel: 'silent',
  })
  return { folder, built: true }
}

function isFresh(folder: string): boolean {
  const built = modifiedMs(join(folder, 'app.css'))
  if (
    built === undefined ||
    ['index.html', 'icon.svg', 'app.js'].some((file) => modifiedMs(join(folder, file)) === undefined)
  ) {
    return false
  }
  const files = [
    join(sources, 'index.html'),
    join(sources, 'icon.svg'),
    ...['src', 'styles'].flatMap((part) =>
      readdirSync(join(sources, part), { withFileTypes: true, recursive: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name)),
    ),
  ]
  // Types are all that the dashboard takes from src/, so that nothing there makes a bundle old.
  return [...files, import.meta.filename, join(root, 'package-lock.json')].every(
    (file) => (modifiedMs(file) ?? 0) <= built,
  )
}

function modifiedMs(file: string): number | undefined {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs
}

if (import.meta.main) {
  const { folder, built } = await buildDashboard()
  console.log(built ? `built ${folder}` : `${folder} is up to date`)
}

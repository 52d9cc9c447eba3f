import { useEffect, useState } from 'preact/hooks'

/** Where the browser is: all that a page shows follows from this. */
export interface Address {
  readonly path: string
  /** With its question mark; empty when there is none. */
  readonly search: string
}

const listeners = new Set<() => void>()

function here(): Address {
  return { path: location.pathname, search: location.search }
}

/** Goes to a page of ours without loading it again: a step that Back undoes, unless it replaces the last one. */
export function go(href: string, replace = false): void {
  if (href === location.pathname + location.search) return
  const before = location.pathname
  if (replace) history.replaceState(null, '', href)
  else history.pushState(null, '', href)
  for (const listener of listeners) listener()
  // Another page: begin at its top, and let who listens to the page hear of it. The same page stays where it is.
  if (location.pathname !== before) {
    scrollTo(0, 0)
    document.getElementById('main')?.focus({ preventScroll: true })
  }
}

/** Draws again when the address changes, by a link, by a control or by Back. */
export function useAddress(): Address {
  const [address, setAddress] = useState(here)
  useEffect(() => {
    const moved = (): void => setAddress(here())
    listeners.add(moved)
    addEventListener('popstate', moved)
    return () => {
      listeners.delete(moved)
      removeEventListener('popstate', moved)
    }
  }, [])
  return address
}

/** Plain clicks on links between pages go without a load; all others are the browser's. */
export function followLinks(isPage: (path: string) => boolean): void {
  document.addEventListener('click', (event) => {
    if (event.defaultPrevented || event.button !== 0) return
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    const link = event.target instanceof Element ? event.target.closest('a') : null
    if (link === null || link.target !== '' || link.download !== '' || link.hash !== '') return
    if (link.origin !== location.origin || !isPage(link.pathname)) return
    event.preventDefault()
    go(link.pathname + link.search)
  })
}

/** The address of one thing below a page: names may hold anything. */
export function pathOf(page: string, name: string): string {
  return `${page}/${encodeURIComponent(name)}`
}

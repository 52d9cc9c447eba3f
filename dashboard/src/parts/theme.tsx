import type { JSX } from 'preact'
import { useState } from 'preact/hooks'

type Theme = 'system' | 'light' | 'dark'

const themes: readonly (readonly [Theme, string])[] = [
  ['system', 'System'],
  ['light', 'Light'],
  ['dark', 'Dark'],
]

function storedTheme(): Theme {
  const stored = localStorage.getItem('postern-theme')
  return stored === 'light' || stored === 'dark' ? stored : 'system'
}

/** Sets the colours before anything is drawn. */
export function applyTheme(theme: Theme = storedTheme()): void {
  if (theme === 'system') delete document.documentElement.dataset['theme']
  else document.documentElement.dataset['theme'] = theme
}

export function ThemePicker(): JSX.Element {
  const [theme, setTheme] = useState(storedTheme)
  const choose = (chosen: Theme): void => {
    localStorage.setItem('postern-theme', chosen)
    applyTheme(chosen)
    setTheme(chosen)
  }
  return (
    <fieldset class="segments theme" aria-label="Colours">
      {themes.map(([key, label]) => (
        <button key={key} type="button" aria-pressed={theme === key} onClick={() => choose(key)}>
          {label}
        </button>
      ))}
    </fieldset>
  )
}

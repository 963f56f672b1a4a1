import { useSyncExternalStore } from 'react'

/** The Workbench says its theme by a class of the body. */
const subscribe = (listener: () => void): (() => void) => {
  const observer = new MutationObserver(listener)
  observer.observe(document.body, { attributes: true, attributeFilter: ['class'] })
  return () => observer.disconnect()
}

/** For what is drawn on a canvas, where style sheets don't reach. */
export const useTheme = (): 'dark' | 'light' =>
  useSyncExternalStore(subscribe, () => (document.body.classList.contains('dark') ? 'dark' : 'light'))

import { type FocusEvent, type RefObject, useEffect, useRef } from 'react'

type Place = RefObject<HTMLElement | null>

/**
 * Opening moves the focus in, if `takes`; closing gives it back to where it came from, or, where that is gone or nobody
 * knows, to `beside`.
 */
export const useFocusLent = (panel: Place, beside: (panel: HTMLElement) => Element | null, takes = true): void => {
  // Kept, for React's strict mode, which takes effects back and runs them again: by then the panel has it.
  const from = useRef<Element>(null)
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is opened once
  useEffect(() => {
    const fallback = panel.current && beside(panel.current)
    if (takes) {
      from.current ??= document.activeElement
      focus(panel.current)
    }
    return () => {
      // Whoever is somewhere else by now stays there.
      if (document.activeElement !== document.body) return
      focus(from.current !== document.body && from.current?.isConnected ? from.current : fallback)
    }
  }, [])
}

/** Where what had the focus in `place` is taken away, `place` gets it, rather than the page. To be spread into it. */
export const useFocusHeld = (
  place: Place,
): { readonly onFocus: (event: FocusEvent) => void; readonly onBlur: () => void } => {
  const held = useRef<Element>(null)
  // With every drawing: what is taken away is so by one.
  useEffect(() => {
    const now = document.activeElement
    // Given back by a dialog while React drew, which tells of no event then.
    if (place.current?.contains(now)) held.current = now
    else if (held.current?.isConnected === false && now === document.body) focus(place.current)
  })
  return {
    onFocus: ({ target }) => {
      held.current = target
    },
    // Doesn't come for what React takes away.
    onBlur: () => {
      held.current = null
    },
  }
}

const focus = (element: Element | null): void => {
  if (element instanceof HTMLElement) element.focus({ preventScroll: true })
}

import { type RefObject, useLayoutEffect, useState } from 'react'

/** How wide an element is, in whole px. Undefined until it is drawn. */
export const useWidth = (element: RefObject<HTMLElement | null>): number | undefined => {
  const [width, setWidth] = useState<number>()
  useLayoutEffect(() => {
    const { current } = element
    if (current === null) return
    const measure = (): void => setWidth(Math.floor(current.clientWidth) || undefined)
    const observer = new ResizeObserver(measure)
    observer.observe(current)
    measure()
    return () => observer.disconnect()
  }, [element])
  return width
}

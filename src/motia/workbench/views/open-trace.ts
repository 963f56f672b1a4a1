/**
 * Shows a trace in Motia's own Tracing tab. The Workbench has no address for a trace, and the tab keeps what is selected
 * to itself, so this does what a reader would do: open the tab, search for the id, choose the trace.
 */

const tracingTab = (): HTMLElement | null => document.querySelector('[data-testid="tracing-link"]')

/** Whether this app has the Tracing tab. */
export const canOpenTrace = (): boolean => tracingTab() !== null

/** Opening the tab ends this panel, so nothing here belongs to a component. */
export const openTrace = (traceId: string): void => {
  const tab = tracingTab()
  if (tab === null) return
  tab.focus() // the Workbench's tabs open on focus, as they do for the arrow keys
  whenThere(searchField, (field) => {
    type(field, traceId)
    whenThere(() => document.querySelector<HTMLElement>(`[data-testid="${CSS.escape(`trace-${traceId}`)}"]`), choose)
  })
}

const choose = (row: HTMLElement): void => {
  row.click()
  row.focus()
}

const searchField = (): HTMLInputElement | null =>
  document.querySelector<HTMLInputElement>('[role="tabpanel"][data-state="active"] input[placeholder*="Trace ID"]')

/** React listens for the event, and takes the value as typed only if the element itself was told. */
const type = (field: HTMLInputElement, text: string): void => {
  Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value')?.set?.call(field, text)
  field.dispatchEvent(new Event('input', { bubbles: true }))
}

/** The list arrives through a stream; a trace that isn't kept any more never does, and then the search says so. */
const LIMIT = 5_000

const whenThere = <E extends Element>(find: () => E | null, use: (found: E) => void): void => {
  const first = find()
  if (first !== null) {
    use(first)
    return
  }
  const observer = new MutationObserver(() => {
    const found = find()
    if (found === null) return
    end()
    use(found)
  })
  const end = (): void => {
    observer.disconnect()
    clearTimeout(timer)
  }
  const timer = setTimeout(end, LIMIT)
  observer.observe(document.body, { childList: true, subtree: true })
}

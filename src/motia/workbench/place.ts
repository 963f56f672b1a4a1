/** Where in the panel the reader is. Views may lead to another: a hot key to its entry, a category to its keys. */
export interface Place {
  readonly view: ViewId
  readonly category?: string
  readonly key?: string
  readonly group?: string
}

export type ViewId = 'overview' | 'categories' | 'keys' | 'state' | 'workflows' | 'processes' | 'hot'

/** What every view gets. */
export interface ViewProps {
  readonly place: Place
  readonly go: (place: Place) => void
  /** Undefined until the first answer. */
  readonly server: { readonly readOnly: boolean; readonly production: boolean } | undefined
}

const viewIds: readonly ViewId[] = ['overview', 'categories', 'keys', 'state', 'workflows', 'processes', 'hot']

const PLACE_AT = 'motia-redis-view'

/** The view, so that the tab opens where it was left. Not what was looked at in it: keys don't belong in storage. */
export const rememberView = (view: ViewId): void => {
  try {
    sessionStorage.setItem(PLACE_AT, view)
  } catch {
    // storage is denied: then it opens at the overview
  }
}

export const rememberedView = (): ViewId => {
  try {
    const view = sessionStorage.getItem(PLACE_AT)
    return viewIds.find((id) => id === view) ?? 'overview'
  } catch {
    return 'overview'
  }
}

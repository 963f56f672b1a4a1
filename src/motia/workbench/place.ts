/** Where in the panel the reader is. Views may lead to another: a hot key to its entry, a category to its keys. */
export interface Place {
  readonly view: ViewId
  readonly category?: string | undefined
  readonly key?: string | undefined
  /** What the keys, or the groups, are narrowed to. */
  readonly search?: string | undefined
  readonly group?: string | undefined
  /** What the items of the group are narrowed to. */
  readonly within?: string | undefined
}

/** The last place in each view that was shown; the first is where the reader is. */
export type Places = readonly [Place, ...Place[]]

export const moved = (places: Places, next: Place): Places => [next, ...places.filter(({ view }) => view !== next.view)]

/** As it was left, but with nothing open: that would take the focus from the tabs. */
export const returnTo = (places: Places, view: ViewId): Place => ({
  ...places.find((place) => place.view === view),
  view,
  key: undefined,
})

export type ViewId = 'overview' | 'categories' | 'keys' | 'state' | 'workflows' | 'processes' | 'hot'

/** What every view gets. */
export interface ViewProps {
  readonly place: Place
  readonly go: (place: Place) => void
  /** Undefined until the first answer. */
  readonly server: { readonly readOnly: boolean; readonly production: boolean } | undefined
}

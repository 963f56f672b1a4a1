import { Input } from '@motiadev/ui'
import { Search, X } from 'lucide-react'
import { type ReactNode, useEffect, useRef, useState } from 'react'

/** Tells of what is typed once the typing pauses. */
export const SearchBox = ({
  label,
  value,
  onSearch,
  'data-testid': testId,
}: {
  readonly label: string
  readonly value: string
  readonly onSearch: (text: string) => void
  readonly 'data-testid': string
}): ReactNode => {
  const [typed, setTyped] = useState(value)
  const [last, setLast] = useState(value)
  // Set from outside meanwhile: a link led here.
  if (value !== last) {
    setLast(value)
    setTyped(value)
  }
  const latest = useRef(onSearch)
  useEffect(() => {
    latest.current = onSearch
  })
  useEffect(() => {
    if (typed === value) return
    const timer = setTimeout(() => latest.current(typed), 250)
    return () => clearTimeout(timer)
  }, [typed, value])

  return (
    <div className="relative min-w-40 flex-1">
      <Search
        aria-hidden="true"
        className="pointer-events-none absolute top-1/2 left-3 size-4 -translate-y-1/2 text-muted-foreground"
      />
      <Input
        variant="shade"
        aria-label={label}
        placeholder={label}
        value={typed}
        maxLength={512}
        spellCheck={false}
        autoComplete="off"
        className="mr-field h-9 px-9! text-sm"
        data-testid={testId}
        onChange={(event) => setTyped(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter') onSearch(typed)
          if (event.key === 'Escape' && typed !== '') {
            event.preventDefault()
            setTyped('')
          }
        }}
      />
      {typed !== '' && (
        <button
          type="button"
          aria-label="Clear the search"
          className="mr-icon-button absolute top-1/2 right-1 -translate-y-1/2"
          onClick={() => setTyped('')}
        >
          <X aria-hidden="true" className="size-4" />
        </button>
      )}
    </div>
  )
}

/** The row above a list: search, choices, buttons. */
export const Toolbar = ({ children }: { readonly children: ReactNode }): ReactNode => (
  <div className="flex flex-wrap items-center gap-2 border-b p-2">{children}</div>
)

import { Button, Input } from '@motiadev/ui'
import { LockKeyhole } from 'lucide-react'
import { type ReactNode, useId, useState } from 'react'
import { type ApiFailure, rememberToken } from '../api.js'

interface LockedProps {
  readonly failure: ApiFailure
  readonly again: () => void
}

/** The server refused: why, and where the token goes that opens, if there is one. */
export const Locked = ({ failure, again }: LockedProps): ReactNode => (
  <div className="m-auto flex w-full max-w-md flex-col gap-3 p-6" data-testid="cache-locked">
    <LockKeyhole aria-hidden="true" className="size-6 text-muted-foreground" />
    <h2 className="text-base font-semibold">This panel is locked</h2>
    <p role="alert" className="text-sm text-muted-foreground break-words">
      {failure.text}
    </p>
    {failure.token !== undefined && <TokenForm failure={failure} again={again} />}
  </div>
)

const TokenForm = ({ failure, again }: LockedProps): ReactNode => {
  const [token, setToken] = useState('')
  const [tried, setTried] = useState<{ readonly token: string; readonly before: ApiFailure }>()
  const field = useId()
  const note = useId()
  const refused = tried?.token === token && failure !== tried.before && failure.token === 'refused'
  return (
    <form
      className="flex flex-col gap-3"
      onSubmit={(event) => {
        event.preventDefault()
        rememberToken(token.trim())
        setTried({ token, before: failure })
        again()
      }}
    >
      <label htmlFor={field} className="text-sm font-medium">
        Token
      </label>
      <div className="flex gap-2">
        <Input
          id={field}
          type="password"
          autoComplete="off"
          spellCheck={false}
          value={token}
          onChange={(event) => setToken(event.target.value)}
          aria-invalid={refused}
          aria-describedby={note}
          className="mr-field h-9"
          data-testid="cache-token"
        />
        <Button type="submit" variant="accent" disabled={token.trim() === ''}>
          Open
        </Button>
      </div>
      <p id={note} role="status" className={refused ? 'mr-bad text-xs' : 'text-xs text-muted-foreground'}>
        {refused ? 'The server refused this token.' : 'It is kept until this browser tab is closed, and nowhere else.'}
      </p>
    </form>
  )
}

import type { ReactNode } from 'react'
import type { MemoryRole, MemoryView } from '../../../sight/contract.js'
import { formatBytes, plural } from '../format.js'
import { type Part, Stacked } from '../pieces/bars.js'
import { Age, Bytes } from '../pieces/figures.js'

const roles: readonly { readonly role: MemoryRole; readonly what: string }[] = [
  { role: 'home', what: 'entries at home' },
  { role: 'mirror', what: 'copies of kept data' },
  { role: 'stand-in', what: 'kept for another instance' },
  { role: 'ours', what: 'state, tags, leases and our own' },
  { role: 'other', what: 'not ours' },
]

/** What the memory of each instance is used for, estimated from a sample of its keys. */
export const MemoryRoles = ({ memory }: { readonly memory: readonly MemoryView[] }): ReactNode => {
  const known = memory.filter(({ roles: split }) => split !== undefined)
  if (known.length === 0) {
    return <p className="text-xs text-muted-foreground">No instance has been sampled yet.</p>
  }
  return (
    <div className="flex flex-col gap-2" data-testid="cache-memory">
      <ul className="grid gap-x-6 gap-y-2 @2xl:grid-cols-2 @5xl:grid-cols-3">
        {known.map((view) => (
          <Instance key={view.instance} view={view} />
        ))}
      </ul>
      <ul className="flex flex-wrap gap-x-4 gap-y-1 text-xs text-muted-foreground" aria-label="Roles">
        {roles.map(({ role, what }) => (
          <li key={role} className="inline-flex items-center gap-1.5">
            <span aria-hidden="true" className={`size-2 rounded-full mr-role-${role}`} />
            <span>
              <span className="text-foreground">{role}</span> {what}
            </span>
          </li>
        ))}
        <li className="inline-flex items-center gap-1.5">
          <span aria-hidden="true" className="size-2 rounded-full mr-role-overhead" />
          <span>
            <span className="text-foreground">overhead</span> of the server itself
          </span>
        </li>
      </ul>
    </div>
  )
}

const Instance = ({ view }: { readonly view: MemoryView }): ReactNode => {
  const { instance, used, max, sampled, sampledAt } = view
  const parts = partsOf(view)
  const sum = parts.reduce((total, { value }) => total + value, 0)
  const words = parts.map(({ name }) => name).join(', ')
  return (
    <li className="flex min-w-0 flex-col gap-1 text-xs" data-testid={`cache-memory-${instance}`}>
      <div className="flex items-baseline justify-between gap-2">
        <span className="min-w-0 text-sm font-medium break-all">{instance}</span>
        <span className="whitespace-nowrap">
          <Bytes of={used} />
          {max !== undefined && max > 0 && (
            <span className="text-muted-foreground">
              {' of '}
              <Bytes of={max} />
            </span>
          )}
        </span>
      </div>
      <Stacked parts={parts} whole={Math.max(sum, used ?? 0, max ?? 0)} label={`Memory of ${instance}: ${words}`} />
      <p className="text-muted-foreground">
        {plural(sampled, 'key')} sampled <Age at={sampledAt} />
      </p>
    </li>
  )
}

const partsOf = ({ roles: split, used }: MemoryView): readonly Part[] => {
  const parts = roles.flatMap(({ role }): Part[] => {
    const size = split?.[role]
    if (size === undefined || size.entries === 0) return []
    const name = `${role} ${size.bytes === undefined ? plural(size.entries, 'key') : formatBytes(size.bytes)}`
    return [{ name, value: size.bytes ?? 0, className: `mr-role-${role}` }]
  })
  const rest = (used ?? 0) - parts.reduce((sum, { value }) => sum + value, 0)
  // Of what couldn't be weighed nobody knows how much of the rest it is.
  const weighed = Object.values(split ?? {}).every(({ bytes }) => bytes !== undefined)
  if (rest <= 0 || !weighed) return parts
  return [...parts, { name: `overhead ${formatBytes(rest)}`, value: rest, className: 'mr-role-overhead' }]
}

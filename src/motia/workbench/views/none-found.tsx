import { SearchX } from 'lucide-react'
import type { ReactNode } from 'react'
import { Empty, Loading } from '../pieces/states.js'

/** In the place of an empty list: it may not be known yet that it is. `children` says why it is. */
export const NoneFound = ({
  things,
  answer: { cursor },
  busy,
  children,
}: {
  /** "keys" */
  readonly things: string
  readonly answer: { readonly cursor: string | undefined }
  readonly busy: boolean
  readonly children: ReactNode
}): ReactNode => {
  if (busy) return <Loading />
  if (cursor === undefined) return children
  return (
    <Empty icon={SearchX} title="None so far">
      There are many {things}, and only a part of them has been looked at. The next page looks further.
    </Empty>
  )
}

import { Button } from '@motiadev/ui'
import { RefreshCw } from 'lucide-react'
import type { ReactNode } from 'react'

export const LookAgain = ({ again }: { readonly again: () => void }): ReactNode => (
  <Button variant="default" className="h-9" aria-label="Look again" onClick={again}>
    <RefreshCw aria-hidden="true" className="size-4" />
  </Button>
)

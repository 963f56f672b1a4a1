import { cn } from '@motiadev/ui'
import { ChevronRight } from 'lucide-react'
import { type ReactNode, useId, useState } from 'react'
import type { TreeNode } from '../../../sight/contract.js'
import { formatCount, visible } from '../format.js'

/** A value as what it is: every type by its name, nothing turned into something else. Branches open to `open` levels. */
export const Tree = ({ node, open = 2 }: { readonly node: TreeNode; readonly open?: number }): ReactNode => (
  <div className="mr-mono mr-tree overflow-x-auto rounded-md border p-2 text-xs leading-6" data-testid="cache-tree">
    <Node label={undefined} node={node} open={open} />
  </div>
)

const Node = ({
  label,
  node,
  open,
}: {
  readonly label: string | undefined
  readonly node: TreeNode
  readonly open: number
}): ReactNode => {
  const [shown, setShown] = useState(open > 0)
  const list = useId()
  const { children, of } = node
  if (children === undefined) return <Leaf {...{ label, node }} />
  const missing = of === undefined ? 0 : of - children.length
  return (
    <div>
      <button
        type="button"
        className="mr-row-button inline-flex items-center gap-1 text-left"
        aria-expanded={shown}
        aria-controls={list}
        onClick={() => setShown(!shown)}
      >
        <ChevronRight aria-hidden="true" className={cn('mr-turn size-3 shrink-0', shown && 'rotate-90')} />
        <Label of={label} />
        <span className="text-muted-foreground">
          {node.type} ({formatCount(of ?? children.length)})
        </span>
      </button>
      <div id={list} hidden={!shown} className="ml-[0.4rem] border-l pl-3">
        {shown &&
          children.map((child, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: labels of a Map may be equal; the order is the value's own
            <Node key={index} label={child.label} node={child.node} open={open - 1} />
          ))}
        {shown && missing > 0 && <div className="text-muted-foreground">… {formatCount(missing)} more</div>}
      </div>
    </div>
  )
}

const Leaf = ({ label, node }: { readonly label: string | undefined; readonly node: TreeNode }): ReactNode => {
  const { type, text = '', of } = node
  const shownAll = of === undefined || of <= text.length
  return (
    <div className="pl-4">
      <Label of={label} />
      <span className={cn('break-all whitespace-pre-wrap', colourOf(type))}>
        {type === 'string' ? `"${visible(text)}"` : visible(text === '' ? type : text)}
      </span>
      {!shownAll && <span className="text-muted-foreground"> … of {formatCount(of)} in all</span>}
      {!plain.has(type) && text !== '' && <span className="text-muted-foreground"> {type}</span>}
    </div>
  )
}

const Label = ({ of }: { readonly of: string | undefined }): ReactNode =>
  of === undefined ? null : (
    <span className="break-all">
      {visible(of)}
      <span className="text-muted-foreground">: </span>
    </span>
  )

/** Types that the look of the text says already. */
const plain = new Set(['string', 'number', 'boolean', 'null', 'undefined'])

const colourOf = (type: string): string => {
  if (type === 'string') return 'mr-ok'
  if (type === 'number' || type === 'bigint') return 'mr-info'
  if (type === 'boolean') return 'mr-warn'
  return plain.has(type) || type === 'absent' ? 'text-muted-foreground' : 'mr-accent'
}

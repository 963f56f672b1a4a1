import { Button } from '@motiadev/ui'
import { Component, type ErrorInfo, type ReactNode } from 'react'

interface Props {
  /** What is inside, for the message. */
  readonly name: string
  readonly children: ReactNode
}

/** A fault in the panel stays in the panel: without this, React would take the whole Workbench down. */
export class ErrorBoundary extends Component<Props, { readonly failed: boolean }> {
  override state = { failed: false }

  static getDerivedStateFromError(): { readonly failed: boolean } {
    return { failed: true }
  }

  override componentDidCatch(error: Error, { componentStack }: ErrorInfo): void {
    console.error(`motia-redis: ${this.props.name} could not be drawn`, error, componentStack)
  }

  override render(): ReactNode {
    if (!this.state.failed) return this.props.children
    return (
      <div
        className="flex h-full flex-col items-center justify-center gap-3 p-6 text-center"
        role="alert"
        data-testid="cache-broken"
      >
        <p className="max-w-md text-sm">
          {this.props.name} could not be drawn. The cache itself isn't touched by this; the browser's console says more.
        </p>
        <Button variant="default" onClick={() => this.setState({ failed: false })}>
          Draw it again
        </Button>
      </div>
    )
  }
}

/** How far a sign-up has come: lies in state, in a group named after the sign-up, under 'progress'. */
export interface SignUp {
  name: string
  userId: string
  step: 'checking name' | 'name taken' | 'choose password'
}

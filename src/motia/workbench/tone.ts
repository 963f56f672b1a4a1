/** What a colour says: well, watch out, bad, going on, neither. */
export type Tone = 'ok' | 'warn' | 'bad' | 'info' | 'mute'

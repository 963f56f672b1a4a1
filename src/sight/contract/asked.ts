import { z } from 'zod'

/** What several questions have in them. */
export const name = z.string().min(1).max(512)
/** A key, or what stands for one of a sensitive category. */
export const key = z.string().min(1).max(1_024)
export const limit = z.coerce.number().int().min(1).max(200).default(50)
export const cursor = z.string().min(1).max(8_192).optional()
/** Of a name, or a text in it. Literal. */
export const part = z.string().max(512).default('')

/** Of views that are asked for as they are. */
export const nothing = z.object({})

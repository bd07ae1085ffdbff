import { clothesParts } from './clothes.ts'
import { hairParts } from './hair.ts'
import { headParts } from './head.ts'
import { limbParts } from './limbs.ts'
import type { Part } from './mesh.ts'
import { skirtParts } from './skirt.ts'

/** The dancer: everything that casts a shadow. */
export function figureParts(): Part[] {
  return [...headParts(), ...hairParts(), ...clothesParts(), ...skirtParts(), ...limbParts()]
}

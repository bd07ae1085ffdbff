import { describe, expect, it } from 'vitest'
import { constantFlow } from './constant-flow.ts'
import { itEstimatesFlow } from './flow-estimator.contract.ts'

describe('constant flow', () => {
  itEstimatesFlow((u, v) => constantFlow(u, v), { still: 0, translation: 0 })

  it('has an id for each motion', () => {
    expect(constantFlow(1, 2).id).not.toBe(constantFlow(2, 1).id)
  })
})

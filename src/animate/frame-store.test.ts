import { frameStoreContract } from './frame-store.contract.ts'
import { MemoryFrameStore } from './frame-store.ts'

frameStoreContract('memory', () => Promise.resolve(new MemoryFrameStore()))

import { defineConfig, type ViteUserConfig } from 'vitest/config'

const config: ViteUserConfig = defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    testTimeout: 20_000,
    hookTimeout: 20_000,
    // Conditions that are waited for: one second is short on a busy machine.
    expect: { poll: { timeout: 5_000 } },
    pool: 'forks',
  },
})

export default config

/** Bundles a program of ten lines with each bundler of docs/bundlers.md, and runs the bundle in an empty folder. */

import assert from 'node:assert/strict'
import { cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { before, describe, test } from 'node:test'

import { nodes, Project } from './project.js'
import { logOf, ROOT, useSandbox, type World } from './support.js'

/** The versions that docs/bundlers.md names. */
const VERSIONS = {
  '@vercel/ncc': '0.45.0',
  '@vercel/nft': '1.11.5',
  bun: '1.4.5',
  deno: '2.9.6',
  esbuild: '0.28.2',
  next: '16.4.6',
  rollup: '4.68.8',
  vite: '8.4.0',
  webpack: '5.113.0',
}
/** Packages that some of these bundlers need. */
const BESIDE = {
  '@rollup/plugin-commonjs': '29.0.3',
  '@rollup/plugin-node-resolve': '16.0.3',
  react: '19.3.1',
  'react-dom': '19.3.1',
  'webpack-cli': '7.3.1',
}

const JOB = `import { Hightouch } from 'hightouch-sdk'

const ht = new Hightouch()
const run = await ht.syncs.trigger('orders-to-salesforce')
const { status } = await run.wait({ timeoutMs: 60_000 })
console.log(status)
await ht.close()
`
/** The program within a function, for bundles in CommonJS, which has no `await` outside of functions. */
const JOB_IN_FUNCTION = `${JOB.replace('\nconst ht', '\nasync function main() {\nconst ht')}}\nmain()\n`

/** Leaves the client open: the program ends once it waits for nothing. */
const MANY = `import { Hightouch } from 'hightouch-sdk'

const ht = new Hightouch()
const calls = Array.from({ length: 50 }, () => ht.syncs.get('orders-to-salesforce'))
const run = await ht.syncs.trigger('orders-to-salesforce')
const stopped = new AbortController()
const aborted = run.wait({ signal: stopped.signal }).catch((error) => error.name)
stopped.abort()
console.log((await Promise.all(calls)).length, await aborted, (await run.wait({ timeoutMs: 60_000 })).status)
`

const ROUTE = `import { Hightouch } from 'hightouch-sdk'

export const dynamic = 'force-dynamic'
export async function GET() {
  const ht = new Hightouch()
  const run = await ht.syncs.trigger('orders-to-salesforce')
  const { status } = await run.wait({ timeoutMs: 60_000 })
  await ht.close()
  return Response.json({ status })
}
`
const NEXT = `export default { output: 'standalone', outputFileTracingRoot: import.meta.dirname, serverExternalPackages: ['hightouch-sdk'] }\n`
const LAYOUT = `export default function Layout({ children }) { return <html><body>{children}</body></html> }\n`
const TRACE = `import { nodeFileTrace } from '@vercel/nft'
const { fileList } = await nodeFileTrace(['job.mjs'])
console.log(JSON.stringify([...fileList]))
`

describe('a bundle', () => {
  const { sandbox, world } = useSandbox()
  const project = new Project()

  before(async () => {
    const tools = Object.entries({ ...VERSIONS, ...BESIDE }).map(([name, version]) => `${name}@${version}`)
    await project.install(...tools)
    project.write('job.mjs', JOB)
    project.write('many.mjs', MANY)
    project.write('main.mjs', JOB_IN_FUNCTION)
  })

  const environment = async (): Promise<{ home: World; env: Record<string, string> }> => {
    const home = await world({ slugs: ['orders-to-salesforce'], runs: { seconds: 1 } })
    return { home, env: { HIGHTOUCH_API_KEY: home.apiKey, HIGHTOUCH_BASE_URL: home.httpBaseUrl } }
  }
  const triggers = async (home: World): Promise<number> =>
    (await logOf(sandbox, home)).filter(({ operation }) => operation.startsWith('TriggerRun')).length

  /** Runs a bundle in a new project, in which hightouch-sdk is installed only if `beside` is true. */
  const runs = async (folder: string, file: string, beside: boolean, program = 'node'): Promise<void> => {
    const place = new Project()
    cpSync(project.file(folder), place.file('out'), { recursive: true })
    if (beside) await place.install()
    const { home, env } = await environment()
    const [command = program, ...before] = program.split(' ')
    assert.equal(await place.succeed(command, [...before, path.join('out', file)], env), 'success\n')
    assert.equal(await triggers(home), 1)
  }
  const bundled = async (
    folder: string,
    command: string,
    config?: [name: string, text: string],
  ): Promise<void> => {
    if (config) project.write(...config)
    await project.succeed('npx', ['--offline', ...command.split(' ')], { NEXT_TELEMETRY_DISABLED: '1' })
    assert(existsSync(project.file(folder)))
  }

  test('of esbuild runs beside the package', async () => {
    await bundled(
      'esbuild',
      'esbuild job.mjs --bundle --platform=node --format=esm --external:hightouch-sdk --outfile=esbuild/job.mjs',
    )
    await runs('esbuild', 'job.mjs', true)
  })

  test('of esbuild contains the package if it may copy the addon', async () => {
    await bundled(
      'esbuild-in',
      'esbuild main.mjs --bundle --platform=node --loader:.node=copy --outdir=esbuild-in',
    )
    await runs('esbuild-in', 'main.js', false)
  })

  test('of webpack runs beside the package', async () => {
    const config = `module.exports = { mode: 'production', target: 'node', entry: './main.mjs',
      externals: { 'hightouch-sdk': 'commonjs hightouch-sdk' }, output: { path: __dirname + '/webpack', filename: 'job.js' } }`
    await bundled('webpack', 'webpack --config webpack.config.cjs', ['webpack.config.cjs', config])
    await runs('webpack', 'job.js', true)
  })

  test('of Rollup runs beside the package', async () => {
    await bundled('rollup', 'rollup job.mjs --external hightouch-sdk --format es --file rollup/job.mjs')
    await runs('rollup', 'job.mjs', true)
  })

  test('of Vite for a server runs beside the package', async () => {
    await bundled('vite', 'vite build --ssr job.mjs --outDir vite')
    await runs('vite', 'job.mjs', true)
  })

  test('of ncc contains the package and the addon', async () => {
    await bundled('ncc', 'ncc build job.mjs --out ncc')
    await runs('ncc', 'index.mjs', false)
    await bundled('ncc-beside', 'ncc build job.mjs --external hightouch-sdk --out ncc-beside')
    assert.equal(
      readFileSync(project.file('ncc-beside/index.mjs'), 'utf8').includes('class Hightouch'),
      false,
    )
    await runs('ncc-beside', 'index.mjs', true)
  })

  test('is not needed: @vercel/nft finds the addon', async () => {
    project.write('trace.mjs', TRACE)
    const files = JSON.parse(await project.succeed('node', ['trace.mjs'])) as string[]
    mkdirSync(project.file('traced'))
    for (const file of files) cpSync(project.file(file), project.file(`traced/${file}`), { recursive: true })
    await runs('traced', 'job.mjs', false)
  })

  const bun = project.file('node_modules/@oven/bun-linux-x64/bin/bun')
  const deno = project.file('node_modules/@deno/linux-x64-glibc/deno')
  const inDeno = ['run', '--quiet', '--node-modules-dir=manual', '--no-prompt'].concat(
    ['ffi', 'env', 'read', 'net', 'sys'].map((right) => `--allow-${right}`),
  )

  test('of Bun contains the package and the addon', async () => {
    await project.succeed(bun, ['build', 'job.mjs', '--target=bun', '--outdir=bun'])
    await runs('bun', 'job.js', false, bun)
    await project.succeed(bun, [
      'build',
      'job.mjs',
      '--target=node',
      '--external=hightouch-sdk',
      '--outfile=bun-node/job.mjs',
    ])
    await runs('bun-node', 'job.mjs', true)
  })

  // The event loops of Bun and Deno cannot do the I/O of calls, so a thread of the SDK does it. In Node.js, the same
  // program is run with the event loop.
  for (const [name, program, args] of [
    ['Node.js', 'node', []],
    ['Bun', bun, []],
    ['Deno', deno, inDeno],
  ] as const) {
    test(`is not needed: ${name} runs the program, makes many calls at once and ends by itself`, async () => {
      for (const [file, output] of [
        ['job.mjs', 'success\n'],
        ['many.mjs', '50 AbortError success\n'],
      ] as const) {
        const { home, env } = await environment()
        assert.equal(await project.succeed(program, [...args, file], env), output)
        assert.equal(await triggers(home), 1)
      }
    })
  }

  for (const bundler of ['webpack', 'turbopack']) {
    test(`of Next.js with ${bundler} and its standalone output answers a request`, async () => {
      project.write('next.config.mjs', NEXT)
      project.write('app/layout.jsx', LAYOUT)
      project.write('app/api/route.js', ROUTE)
      await bundled('.next/standalone', `next build --${bundler}`)
      const place = new Project()
      cpSync(project.file('.next/standalone'), place.file('out'), { recursive: true })
      const { home, env } = await environment()
      // The server does not print its port. So `ask.cjs`, which Node.js loads into the server's process, sends the
      // request.
      place.write(
        'ask.cjs',
        `
        const http = require('node:http')
        const listen = http.Server.prototype.listen
        http.Server.prototype.listen = function (...args) {
          this.once('listening', async () => {
            const answer = await fetch('http://127.0.0.1:' + this.address().port + '/api')
            console.log('answer ' + answer.status + ' ' + (await answer.text()))
            process.exit(0)
          })
          return listen.apply(this, args)
        }`,
      )
      const served = { ...env, PORT: '0', HOSTNAME: '127.0.0.1' }
      const output = await place.succeed(
        'node',
        ['--require', './ask.cjs', path.join('out', 'server.js')],
        served,
      )
      assert.match(output, /answer 200 {"status":"success"}/)
      assert.equal(await triggers(home), 1)
    })
  }

  test('of an unprepared bundler says at once that an addon is missing, or at its start', async () => {
    const built = await project.run('npx', [
      '--offline',
      'esbuild',
      'job.mjs',
      '--bundle',
      '--platform=node',
      '--outdir=no',
    ])
    assert.equal(built.code, 1)
    assert.match(built.output, /No loader is configured for "\.node" files/)
  })

  test('is of the versions that the page names', () => {
    const page = readFileSync(path.join(ROOT, 'docs', 'bundlers.md'), 'utf8')
    for (const [name, version] of Object.entries(VERSIONS))
      assert(page.includes(` ${version} `), `docs/bundlers.md does not name ${name} ${version}`)
  })

  test('runs on each version of Node.js', async () => {
    for (const node of nodes()) await runs('ncc', 'index.mjs', false, node)
  })
})

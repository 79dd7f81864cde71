// Runs one lane of the benchmark in Node.js: lane.mjs LANE [once]. A lane is a client that is measured.
//
// Each line of standard input asks for N calls. "one N" reads one sync with each call, "page N" reads a page of 100
// syncs, and "flight N" reads one sync but makes several calls at once. After the calls of a line, the lane writes a
// line with the CPU time of this process, all threads included, and the elapsed time, both in nanoseconds. With "once",
// the lane imports the client, makes one call, writes such a line and ends.

const base = `${process.env.BENCH_URL}/api/v1`
const url = `${base}/syncs`
const key = 'bench-0123456789abcdef0123456789abcdef01'
const headers = { authorization: `Bearer ${key}`, accept: 'application/json' }
const flight = 32
// The rate limit: requests, and the length of the window in seconds. The window is so short that only a few
// hundred requests count towards the limit at any time, as in real use.
const limit = [40_000, 0.02]

const query = (count) => `${url}?orderBy=id&offset=0&limit=${count}`

// All clients but the SDK find the certificate authority in NODE_EXTRA_CA_CERTS.
const lanes = {
  async sdk() {
    const { Hightouch } = await import('hightouch-sdk')
    const { syncs } = new Hightouch({ apiKey: key, baseUrl: base, caBundle: process.env.BENCH_CA, limit })
    return async (count) => (await syncs.list({ limit: count })).data.length
  },
  async 'sdk-untyped'() {
    const { Hightouch } = await import('hightouch-sdk')
    const client = new Hightouch({ apiKey: key, baseUrl: base, caBundle: process.env.BENCH_CA, limit })
    return async (count) =>
      (await client.request('GET', '/syncs', { query: { orderBy: 'id', offset: 0, limit: count } })).value.data
        .length
  },
  async fetch() {
    return async (count) => (await (await fetch(query(count), { headers })).json()).data.length
  },
  async undici() {
    const { request } = await import('undici')
    return async (count) => (await (await request(query(count), { headers })).body.json()).data.length
  },
  async axios() {
    const { default: axios } = await import('axios')
    const { Agent } = await import('node:https')
    const client = axios.create({ headers, httpsAgent: new Agent({ keepAlive: true }) })
    const ask = (count) => client.get(url, { params: { orderBy: 'id', offset: 0, limit: count } })
    return async (count) => (await ask(count)).data.data.length
  },
}

/** Starts a measurement. Returns a function that writes the CPU time and the elapsed time since the start. */
function meter() {
  const cpu = process.cpuUsage()
  const wall = process.hrtime.bigint()
  return () => {
    const { user, system } = process.cpuUsage(cpu)
    console.log(`${(user + system) * 1000} ${process.hrtime.bigint() - wall}`)
  }
}

const write = meter()
const page = await lanes[process.argv[2]]()

async function several(rows, count) {
  for (let nth = 0; nth < count; nth += 1) {
    const came = await page(rows)
    if (came !== rows) throw new Error(`expected ${rows} syncs, got ${came}`)
  }
}

if (process.argv[3] === 'once') {
  await several(1, 1)
  write()
  process.exit(0)
}

const { createInterface } = await import('node:readline')
for await (const line of createInterface({ input: process.stdin })) {
  const [kind, given] = line.split(' ')
  const count = Number(given)
  const write = meter()
  if (kind === 'flight') {
    await Promise.all(Array.from({ length: flight }, () => several(1, count / flight)))
  } else {
    await several({ one: 1, page: 100 }[kind], count)
  }
  write()
}
process.exit(0)

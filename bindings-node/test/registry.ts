/** A registry for npm packages: a server on this machine that has only the packages that a test publishes in it. */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'

/** The content of a `package.json`. */
export interface Manifest {
  name: string
  version: string
  os?: string[]
  cpu?: string[]
  libc?: string[]
  optionalDependencies?: Record<string, string>
}

/** Returns the manifest in a tarball. */
export function manifestOf(tarball: string): Manifest {
  const text = execFileSync('tar', ['-xzOf', tarball, 'package/package.json'], { encoding: 'utf8' })
  return JSON.parse(text) as Manifest
}

/**
 * A registry that serves one version of each package, without sign-in. It has no other packages: npm and pnpm also ask
 * for their own newest versions, but do not need the answers.
 */
export class Registry implements AsyncDisposable {
  /** The names of the packages that were downloaded. */
  readonly downloaded = new Set<string>()
  readonly #packages = new Map<string, { manifest: Manifest; tarball: Buffer }>()
  readonly #server = createServer((request, response) => {
    this.#answer(decodeURIComponent(request.url ?? '/').slice(1), response)
  })

  static async start(tarballs: string[]): Promise<Registry> {
    const registry = new Registry()
    for (const file of tarballs) registry.publish(manifestOf(file), readFileSync(file))
    registry.#server.listen(0, '127.0.0.1')
    await once(registry.#server, 'listening')
    return registry
  }

  get url(): string {
    return `http://127.0.0.1:${String((this.#server.address() as AddressInfo).port)}/`
  }

  /** Adds a package. As in real registries, installers choose by this manifest, and do not read that of the tarball. */
  publish(manifest: Manifest, tarball: Buffer): void {
    this.#packages.set(manifest.name, { manifest, tarball })
  }

  unpublish(name: string): void {
    assert(this.#packages.delete(name), name)
  }

  /** Answers a request for the document of a package, `/NAME`, or for its tarball, `/NAME/-/NAME-VERSION.tgz`. */
  #answer(requested: string, response: ServerResponse): void {
    const [name = '', ...rest] = requested.split('/')
    const found = this.#packages.get(name)
    if (found === undefined) {
      response.writeHead(404, { 'content-type': 'application/json' }).end('{ "error": "not found" }')
    } else if (rest.length > 0) {
      this.downloaded.add(name)
      response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(found.tarball)
    } else {
      const body = JSON.stringify(this.#document(found.manifest, found.tarball))
      response.writeHead(200, { 'content-type': 'application/json' }).end(body)
    }
  }

  #document(manifest: Manifest, tarball: Buffer): object {
    const { name, version } = manifest
    const hash = (algorithm: string): Buffer => createHash(algorithm).update(tarball).digest()
    const dist = {
      tarball: `${this.url}${path.posix.join(name, '-', `${name}-${version}.tgz`)}`,
      integrity: `sha512-${hash('sha512').toString('base64')}`,
      shasum: hash('sha1').toString('hex'),
    }
    // Yarn refuses a version that is new or that has no time.
    const published = '2020-01-01T00:00:00.000Z'
    const times = { created: published, modified: published, [version]: published }
    return {
      name,
      'dist-tags': { latest: version },
      versions: { [version]: { ...manifest, dist } },
      time: times,
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server.closeAllConnections()
    await closed
  }
}

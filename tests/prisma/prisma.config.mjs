// Prisma's CLI without a binary engine: the schema engine is the WASM module in the npm package, and it reaches PostgreSQL through the adapter
// below. The stock adapter differs from the binary engine in ways that matter here, so that four things are put right:
//   - a migration's script is sent whole, as one simple query (the stock adapter cuts it at every semicolon, inside a DO block too);
//   - one session does everything (a pool drops the session after an error, and Prisma's advisory lock with it);
//   - schema= in the URL becomes the session's search_path;
//   - the shadow database of `dev` is another database (the stock adapter, given a URL, uses the very one that the URL names).
import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import { defineConfig } from 'prisma/config'

// A guard timer of the CLI would keep Node alive for ten seconds after the work is done. Waiting for the server does that by itself where it has to.
const startTimer = globalThis.setTimeout
globalThis.setTimeout = (action, delay, ...args) => {
  const timer = startTimer(action, delay, ...args)
  if (delay >= 5000) timer.unref()
  return timer
}

const url = new URL(process.env.DATABASE_URL)
const schema = url.searchParams.get('schema') ?? undefined
url.searchParams.delete('schema')

// The adapter knows no columns of the catalog's own types; all of them are text to the engine.
const text = 25
const textArray = 1009
const catalogTypes = new Map([[18, text], [19, text], [1003, textArray]])

/** The part of a pool's interface that the adapter uses, on one session. */
class OneSession {
  constructor(connectionString) {
    const options = schema === undefined ? undefined : `-c search_path="${schema.replaceAll('"', '""').replace(/[\\ ]/g, '\\$&')}"`
    this.session = new pg.Client({ connectionString, options })
    this.session.on('error', () => {})  // the query that runs into it reports it
    this.running = 0
  }

  // The CLI never closes the session; one that is only idle must not keep the process alive.
  idle() {
    this.running--
    setTimeout(() => { if (this.running === 0) this.session.unref() }, 200)
  }

  async query(...args) {
    this.started ??= this.session.connect()
    this.running++
    await this.started
    this.session.ref()
    const result = await this.session.query(...args).finally(() => this.idle())
    for (const one of [result].flat()) {
      for (const field of one.fields ?? []) field.dataTypeID = catalogTypes.get(field.dataTypeID) ?? field.dataTypeID
    }
    return result
  }

  async connect() {
    return { query: (...args) => this.query(...args), release() {}, on() {}, removeListener() {} }
  }

  async end() {
    if (this.started) await this.session.end()
  }
}

class LikeTheBinaryEngine extends PrismaPg {
  constructor() {
    super({ connectionString: url.toString() }, { schema })
  }

  async connect() {
    return await this.connectTo(url)
  }

  async connectToShadowDb() {
    const main = await this.connect()
    const name = `prisma_migrate_shadow_db_${globalThis.crypto.randomUUID()}`
    await main.executeScript(`CREATE DATABASE "${name}"`)
    const beside = new URL(url)
    beside.pathname = `/${name}`
    const shadow = await this.connectTo(beside)
    const end = shadow.release
    shadow.release = async () => {
      await end()
      await main.executeScript(`DROP DATABASE "${name}"`)
      await main.dispose()
    }
    return shadow
  }

  async connectTo(database) {
    const adapter = await super.connect()
    const session = new OneSession(database.toString())
    adapter.client = session
    adapter.release = () => session.end()
    adapter.executeScript = async (script) => {
      try {
        await session.query(script)
      } catch (error) {
        adapter.onError(error)
      }
    }
    return adapter
  }
}

export default defineConfig({
  experimental: { adapter: true },
  engine: 'js',
  schema: 'schema.prisma',
  migrations: { path: process.env.BELAY_PRISMA_MIGRATIONS },
  adapter: async () => new LikeTheBinaryEngine(),
})

// Hand-written: Fastify, Mercurius with `jit: 1`, pg's pool and named (prepared) statements.
import Fastify from 'fastify';
import mercurius from 'mercurius';
import pg from 'pg';

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 20 });
const query = async (name, text, values) => (await pool.query({ name, text, values })).rows;

const schema = `
  type Entry { key: String! value: String! }
  type Query {
    get(key: String!): Entry
    getMany(keys: [String!]!): [Entry!]!
    range(from: String!, first: Int!): [Entry!]!
  }
  type Mutation { put(key: String!, value: String!): Entry! }
`;
const resolvers = {
  Query: {
    get: async (_, { key }) =>
      (await query('get', 'select key, value from entries where key = $1', [key]))[0],
    getMany: (_, { keys }) =>
      query('many', 'select key, value from entries where key = any ($1)', [keys]),
    range: (_, { from, first }) =>
      query('range', 'select key, value from entries where key >= $1 order by key limit $2', [
        from,
        first,
      ]),
  },
  Mutation: {
    put: async (_, { key, value }) =>
      (
        await query(
          'put',
          'insert into entries values ($1, $2) on conflict (key) do update set value = excluded.value returning key, value',
          [key, value],
        )
      )[0],
  },
};

const app = Fastify();
app.register(mercurius, { schema, resolvers, jit: 1 });
await app.listen({ port: 0, host: '127.0.0.1' });
console.log(`ready at http://127.0.0.1:${app.server.address().port}`);
process.on('SIGTERM', () => process.exit(0));

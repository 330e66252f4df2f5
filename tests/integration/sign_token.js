// Prints a token with any claims, signed with any secret:
//
//   sign_token.js <secret> <claims, a JSON object>
'use strict';

const { createHmac } = require('node:crypto');

const [secret, claims] = process.argv.slice(2);

const signed = [JSON.stringify({ alg: 'HS256', typ: 'JWT' }), claims]
  .map((part) => Buffer.from(part).toString('base64url'))
  .join('.');
const signature = createHmac('sha256', secret).update(signed);
process.stdout.write(`${signed}.${signature.digest('base64url')}`);

// The program under test: started on a free port with an app in a folder of its own, stopped by its own process.
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const START_MS = Number(process.env.SCENARIO_START_SECONDS ?? 60) * 1000;

export class Server {
  // `more`: options of `mettle serve`.
  constructor(binary, app, more = []) {
    this.more = more;
    this.binary = binary;
    this.folder = mkdtempSync(path.join(tmpdir(), 'mettle-openapi-'));
    // A folder is an example with what it serves; a file stands alone.
    if (app.endsWith('.yaml')) cpSync(app, path.join(this.folder, 'mettle.yaml'));
    else cpSync(app, this.folder, { recursive: true, filter: (source) => !source.includes('/data') });
    this.file = path.join(this.folder, 'mettle.yaml');
    this.data = path.join(this.folder, 'data');
    this.log = '';
  }

  start() {
    const args = ['serve', this.file, '--listen', '127.0.0.1:0', '--data', this.data, ...this.more];
    this.process = spawn(this.binary, args, { cwd: this.folder, stdio: ['ignore', 'pipe', 'pipe'] });
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`did not listen in time; its log:\n${this.log}`)), START_MS);
      const read = (chunk) => {
        this.log += chunk;
        const found = /listening on http:(?:\\?\/){2}127\.0\.0\.1:(\d+)/.exec(this.log);
        if (!found) return;
        clearTimeout(timer);
        this.url = `http://127.0.0.1:${found[1]}`;
        resolve();
      };
      this.process.stdout.on('data', read);
      this.process.stderr.on('data', read);
      this.exited = new Promise((done) => this.process.once('exit', (code, signal) => {
        clearTimeout(timer);
        reject(new Error(`ended with ${code ?? signal} before it listened; its log:\n${this.log}`));
        done(code);
      }));
    });
  }

  key(...options) {
    const args = ['key', 'create', this.file, '--data', this.data, ...options];
    const done = spawnSync(this.binary, args, { encoding: 'utf8', cwd: this.folder });
    if (done.status !== 0) throw new Error(`mettle ${args.join(' ')}: ${done.stderr}`);
    return done.stdout.trim();
  }

  // Resolves with the exit code after SIGTERM.
  async stop() {
    if (!this.process) return 0;
    this.process.kill('SIGTERM');
    const code = await this.exited;
    this.process = null;
    return code;
  }

  remove() {
    if (this.process) this.process.kill('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }
}

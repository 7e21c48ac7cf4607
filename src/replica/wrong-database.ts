import { ReplicaError } from './replica.ts';

/** A database that is not the one that belongs here; the message is one sentence for an operator. */
export class WrongDatabase extends ReplicaError {
  constructor(sentence: string) {
    super('REFUSED', sentence, false);
    this.name = 'WrongDatabase';
  }
}

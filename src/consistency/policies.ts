export type PolicyName = 'SIBLINGS' | 'LAST_WRITE_WINS';

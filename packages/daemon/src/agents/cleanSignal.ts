import type { AgentSignal } from './agentAdapter.js';
import { mapStrings } from './parseJson.js';

/** The same signal with all text that came from the agent passed through `clean`; our own words stay. */
export function cleanSignal(signal: AgentSignal, clean: (text: string) => string): AgentSignal {
  switch (signal.kind) {
    case 'progress':
      return signal.message === undefined ? signal : { ...signal, message: clean(signal.message) };
    case 'message':
      return { ...signal, message: clean(signal.message) };
    case 'artifact': {
      const { type, content } = signal.artifact;
      return { ...signal, artifact: { type: clean(type), content: mapStrings(content, clean) } };
    }
    case 'result':
      return { ...signal, output: mapStrings(signal.output, clean) };
    case 'blocked': {
      const question = signal.question === undefined ? {} : { question: clean(signal.question) };
      return { ...signal, reason: clean(signal.reason), ...question };
    }
    case 'usage': {
      const { model, ...counts } = signal.usage;
      return { ...signal, usage: model === undefined ? counts : { ...counts, model: clean(model) } };
    }
    case 'fault': {
      const { fault } = signal;
      return { ...signal, fault: { ...fault, message: clean(fault.message) } };
    }
    case 'metadata':
      return { ...signal, metadata: mapStrings(signal.metadata, clean) };
  }
}

import type { JsonValue } from './agentAdapter.js';
import type { JsonObject } from './parseJson.js';

/** What an agent wrote may lack any field and have any other type in it: these read, and never throw. */
export function isObject(value: JsonValue | undefined): value is { [key: string]: JsonValue } {
  return value !== undefined && value !== null && typeof value === 'object' && !Array.isArray(value);
}

const NOTHING: JsonObject = {};

/** Own fields only, so that a key such as `constructor` finds nothing. */
export function fieldOf(object: JsonObject, key: string): JsonValue | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/** The object there, or an empty one. */
export function objectOf(object: JsonObject, key: string): JsonObject {
  const value = fieldOf(object, key);
  return isObject(value) ? value : NOTHING;
}

/** The objects of the list there; none where it is no list. */
export function objectsOf(object: JsonObject, key: string): JsonObject[] {
  const value = fieldOf(object, key);
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/** Empty where there is no text. */
export function textOf(object: JsonObject, key: string): string {
  const value = fieldOf(object, key);
  return typeof value === 'string' ? value : '';
}

export function numberOf(object: JsonObject, key: string): number | undefined {
  const value = fieldOf(object, key);
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

/** A whole number from 0 on; anything else is none. */
export function countOf(object: JsonObject, key: string): number | undefined {
  const value = numberOf(object, key);
  return value !== undefined && value >= 0 && Number.isSafeInteger(value) ? value : undefined;
}

/** An amount of money from 0 on. */
export function costOf(object: JsonObject, key: string): number | undefined {
  const value = numberOf(object, key);
  return value !== undefined && value >= 0 ? value : undefined;
}

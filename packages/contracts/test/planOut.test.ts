import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { drawDot, drawMermaid, formatPlan, makePlanDocument, planSchema } from '../src/index.js';

const tasks = [
  { id: 'a', title: 'First', dependsOn: [], status: 'DONE', phase: 'One' },
  {
    id: 'b"]',
    title: 'Say "hi" `now`\n<b>&amp;</b> \\N [x] #1;',
    dependsOn: ['a', 'a', 'gone'],
    status: 'in_progress',
    phase: 'One',
  },
  { id: 'c', title: 'Last', dependsOn: ['b"]'], priority: 'CRITICAL', parent: 'a' },
];

describe('a plan as Graphviz DOT', () => {
  it('has a node for each task, an arrow for each known dependency, phases and statuses', () => {
    expect(drawDot({ name: 'The "plan"', tasks })).toMatchInlineSnapshot(`
      "digraph "The \\"plan\\"" {
        rankdir=LR;
        node [shape=box, style="rounded,filled", fillcolor="#ffffff", color="#64748b", fontname="sans-serif"];
        subgraph "cluster_0" {
          label="One";
          "a" [label="a\\nFirst", class="done", fillcolor="#dcfce7", color="#16a34a"];
          "b\\"]" [label="b\\"]\\nSay \\"hi\\" \`now\`\\n<b>&amp;amp;</b> \\\\N [x] #1;", class="running", fillcolor="#dbeafe", color="#2563eb"];
        }
        "c" [label="c\\nLast", penwidth=2];
        "a" -> "b\\"]";
        "b\\"]" -> "c";
      }
      "
    `);
  });

  it('quotes whatever a text holds, so that nothing ends its string', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }), (id, title) => {
        const lines = drawDot({ name: title, tasks: [{ id, title, dependsOn: [] }] })
          .trimEnd()
          .split('\n');
        expect(lines).toHaveLength(5);
        // What is left when every quoted string is taken out must be the grammar's own.
        expect(lines[3]?.replace(/"(?:[^"\\]|\\.)*"/g, 'S')).toBe('  S [label=S];');
        expect(lines[0]?.replace(/"(?:[^"\\]|\\.)*"/g, 'S')).toBe('digraph S {');
      }),
      { numRuns: 500 },
    );
  });
});

describe('a plan as a Mermaid flowchart', () => {
  it('has a node for each task, an arrow for each known dependency, phases and statuses', () => {
    expect(drawMermaid({ name: 'The "plan"', tasks })).toMatchInlineSnapshot(`
      "---
      title: "The \\"plan\\""
      ---
      flowchart LR
        subgraph p1["One"]
          t1["a<br/>First"]:::done
          t2["b#34;#93;<br/>Say #34;hi#34; #96;now#96; #60;b#62;#38;amp#59;#60;/b#62; #92;N #91;x#93; #35;1#59;"]:::running
        end
        t3["c<br/>Last"]
        t1 --> t2
        t2 --> t3
        classDef running fill:#dbeafe,stroke:#2563eb,color:#0f172a
        classDef done fill:#dcfce7,stroke:#16a34a,color:#0f172a
      "
    `);
  });

  it('escapes whatever a text holds', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }), (id, title) => {
        const lines = drawMermaid({ name: title, tasks: [{ id, title, dependsOn: [], phase: title }] })
          .trimEnd()
          .split('\n');
        expect(lines).toHaveLength(7);
        expect(lines[5]).toMatch(
          /^ {4}t1\["[^"[\]<>`\\{}|#&;]*(?:#\d+;[^"[\]<>`\\{}|#&;]*)*<br\/>(?:[^"[\]<>`\\{}|#&;]|#\d+;)*"\]$/u,
        );
      }),
      { numRuns: 500 },
    );
  });

  it('is the same for the same plan, in the order of its tasks', () => {
    expect(drawMermaid({ name: 'x', tasks })).toBe(drawMermaid({ name: 'x', tasks: structuredClone(tasks) }));
  });
});

describe('a plan in its own format', () => {
  it('is valid, and leaves out what a plan has no place for', () => {
    const plan = makePlanDocument({
      name: ' ',
      tasks: [
        {
          ...tasks[0],
          id: 'a',
          title: 'x'.repeat(400),
          dependsOn: ['gone'],
          parent: 'gone',
          status: 'FAILED',
        },
        {
          id: 'b',
          title: 'B',
          dependsOn: ['b', 'a'],
          parent: 'a',
          phase: 'Outer / Inner',
          timeoutSeconds: 90,
          status: 'CANCELLED',
        },
      ],
    });
    expect(planSchema.parse(plan)).toMatchObject({
      name: 'Plan',
      phases: [{ id: 'One' }, { id: 'Outer / Inner' }],
      dependenciesComplete: true,
      tasks: [
        { id: 'a', phase: 'One' },
        { id: 'b', dependsOn: ['a'], parent: 'a', timeoutMinutes: 1.5, status: 'cancelled' },
      ],
    });
    expect(plan.tasks[0]).not.toHaveProperty('dependsOn');
    expect(JSON.parse(formatPlan({ name: 'P', tasks: [{ id: 'a', title: 'A', dependsOn: [] }] }))).toEqual({
      version: 1,
      name: 'P',
      tasks: [{ id: 'a', title: 'A' }],
    });
  });
});

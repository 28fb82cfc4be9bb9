<?php

declare(strict_types=1);

namespace Upline\Commission\Test\Unit\Model;

use Upline\Commission\Model\State;

/**
 * The table in memory.
 */
class FakeState extends State
{
    /** @var array<int, array<string, string>> */
    public array $all = [];

    public function __construct()
    {
    }

    public function get(int $websiteId, string $name): ?string
    {
        return $this->all[$websiteId][$name] ?? null;
    }

    public function set(int $websiteId, array $members): void
    {
        foreach ($members as $name => $value) {
            if ($value === null) {
                unset($this->all[$websiteId][$name]);
            } else {
                $this->all[$websiteId][$name] = (string) $value;
            }
        }
    }

    public function websitesWith(string $name): array
    {
        return array_keys(array_filter($this->all, static fn (array $values): bool => isset($values[$name])));
    }

    public function refresh(): void
    {
    }
}

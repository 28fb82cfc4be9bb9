<?php

declare(strict_types=1);

namespace Upline\Commission\Test\Unit\Model;

use Magento\Framework\App\ResourceConnection;
use Magento\Framework\DB\Adapter\AdapterInterface;

/**
 * A database of one table in memory, for queries of one condition, with unique keys.
 */
class FakeTables extends ResourceConnection implements AdapterInterface
{
    /**
     * @var array<int, array<string, mixed>>
     */
    public array $rows = [];

    /**
     * @var int
     */
    public int $reads = 0;

    /**
     * @var array{string, mixed}|null
     */
    private ?array $condition = null;

    /**
     * @param array<string, mixed> $defaults of the columns
     * @param string[] $unique
     */
    public function __construct(private array $defaults = [], private array $unique = [])
    {
    }

    public function getConnection($resourceName = 'default')
    {
        return $this;
    }

    public function select(): self
    {
        $query = clone $this;
        $query->condition = null;
        return $query;
    }

    public function from(string $table, array $columns = ['*']): self
    {
        return $this;
    }

    public function where(string $condition, mixed $value): self
    {
        $this->condition = [explode(' ', $condition)[0], (array) $value];
        return $this;
    }

    public function fetchAll(self $query): array
    {
        $this->reads++;
        [$column, $values] = $query->condition ?? ['', []];
        return array_values(array_filter(
            $this->rows,
            static fn (array $row): bool => $column === '' || in_array((string) $row[$column], array_map('strval', $values), true)
        ));
    }

    public function fetchRow(self $query): array|false
    {
        return current($this->fetchAll($query));
    }

    public function insert(string $table, array $row): void
    {
        if ($this->held($row) !== null) {
            throw new \LogicException('1062 Duplicate entry');
        }
        $id = count($this->rows) + 1;
        $this->rows[$id] = $row + ['id' => $id] + $this->defaults;
    }

    public function insertOnDuplicate(string $table, array $row, array $columns): void
    {
        $id = $this->held($row);
        if ($id === null) {
            $this->insert($table, $row);
            return;
        }
        $this->rows[$id] = array_intersect_key($row, array_flip($columns)) + $this->rows[$id];
    }

    private function held(array $row): ?int
    {
        foreach ($this->rows as $id => $held) {
            foreach ($this->unique as $column) {
                if (($row[$column] ?? null) !== null && $held[$column] === $row[$column]) {
                    return $id;
                }
            }
        }
        return null;
    }
}

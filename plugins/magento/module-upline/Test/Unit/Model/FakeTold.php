<?php

declare(strict_types=1);

namespace Upline\Commission\Test\Unit\Model;

use Upline\Commission\Model\Told;

/**
 * The table in memory.
 */
class FakeTold extends Told
{
    public function __construct(private Shop $shop)
    {
    }

    public function rows(array $orderIds): array
    {
        return array_intersect_key($this->shop->toldRows, array_flip($orderIds));
    }

    public function remember(array $rows): void
    {
        $this->shop->toldRows = array_replace($this->shop->toldRows, $rows);
    }
}

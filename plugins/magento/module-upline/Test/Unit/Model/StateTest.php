<?php

declare(strict_types=1);

namespace Upline\Commission\Test\Unit\Model;

use PHPUnit\Framework\TestCase;
use Upline\Commission\Model\State;

class StateTest extends TestCase
{
    /**
     * A consumer of a queue that was started before the shop was connected places orders all the same.
     */
    public function testProcessThatRunsForLongSeesWhatOthersRemembered(): void
    {
        $shop = new Shop();
        $tables = new FakeTables();
        $state = new State($tables, $shop->clock);
        self::assertNull($state->get(0, 'store_id'));
        $tables->rows[] = ['website_id' => '0', 'name' => 'store_id', 'value' => 'shop'];
        $shop->now += 5;
        self::assertNull($state->get(0, 'store_id'));
        self::assertSame(1, $tables->reads, 'a request reads them once');
        $shop->now += 15;
        self::assertSame('shop', $state->get(0, 'store_id'));
        self::assertSame(2, $tables->reads);
    }
}

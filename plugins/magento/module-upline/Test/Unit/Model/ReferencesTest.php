<?php

declare(strict_types=1);

namespace Upline\Commission\Test\Unit\Model;

use PHPUnit\Framework\TestCase;
use Upline\Commission\Model\References;

class ReferencesTest extends TestCase
{
    private const COLUMNS = [
        'quote_id' => null, 'order_id' => null, 'first_ref' => '', 'first_at' => 0, 'first_path' => '', 'last_ref' => '',
        'last_at' => 0, 'last_path' => '', 'field' => '', 'manual' => '', 'manual_reason' => '', 'manual_by' => 0,
    ];

    private FakeTables $tables;

    private References $references;

    protected function setUp(): void
    {
        $this->tables = new FakeTables(self::COLUMNS, ['quote_id', 'order_id']);
        $this->references = new References($this->tables, (new Shop())->clock);
    }

    public function testEachOrderOfACartHasItsReference(): void
    {
        $this->references->visited(70, self::visits('ana', 'ben'));
        foreach ([7, 8, 9] as $orderId) {
            $this->references->ordered($orderId, 70, 0);
        }
        $told = $this->references->ofOrders([7, 8, 9]);
        self::assertSame([7, 8, 9], array_keys($told));
        self::assertSame(['ben', 'ben', 'ben'], array_column(array_column($told, 'last'), 'ref'));
    }

    /**
     * Whoever knows the masked id of a cart could choose who is paid for the order that was made of it.
     */
    public function testWhatIsSetForACartAfterwardsIsNoOrders(): void
    {
        $this->references->typed(70, 'ana');
        $this->references->ordered(7, 70, 0);
        $this->references->typed(70, 'thief');
        $this->references->visited(70, self::visits('thief', 'thief'));
        self::assertSame(
            ['manual' => '', 'manual_reason' => '', 'field' => 'ana'],
            $this->references->ofOrders([7])[7]
        );
        self::assertSame('thief', $this->references->ofCart(70)['field']);
    }

    public function testEditedOrderInheritsWhatItsOwnCartDoesNotKnow(): void
    {
        $this->references->visited(70, self::visits('ana', 'ben'));
        $this->references->ordered(7, 70, 0);
        $this->references->chosen(7, 'cleo', 'by telephone', 3);
        $this->references->typed(71, 'dora');
        $this->references->ordered(8, 71, 7);
        $this->references->ordered(9, 72, 8);
        foreach ([8, 9] as $orderId) {
            $told = $this->references->ofOrders([$orderId])[$orderId];
            self::assertSame(['cleo', 'by telephone', 'dora', 'ana', 'ben'], [
                $told['manual'], $told['manual_reason'], $told['field'], $told['first']['ref'], $told['last']['ref'],
            ]);
        }
    }

    public function testOrderThatIsNotedTwiceKeepsWhatItHas(): void
    {
        $this->references->typed(70, 'ana');
        $this->references->ordered(7, 70, 0);
        $this->references->typed(70, 'ben');
        $this->references->ordered(7, 70, 0);
        self::assertSame('ana', $this->references->ofOrders([7])[7]['field']);
        $this->references->ordered(8, 99, 98);
        self::assertSame([], $this->references->ofOrders([8]), 'of a cart that nobody knows there is none');
    }

    public function testGuestsCartTakesItsReferenceIntoTheCustomers(): void
    {
        $this->references->visited(70, self::visits('ana', 'ben'));
        $this->references->typed(70, 'cleo');
        $this->references->typed(71, 'old');
        $this->references->merged(71, 70);
        $told = $this->references->ofCart(71);
        self::assertSame(['cleo', 'ana', 'ben'], [$told['field'], $told['first']['ref'], $told['last']['ref']]);
        $this->references->merged(72, 99);
        $this->references->merged(0, 70);
        $this->references->merged(70, 70);
        self::assertSame([], $this->references->ofCart(72));
        self::assertCount(2, $this->tables->rows);
    }

    /**
     * The form of a new order posts an empty field with each of its calls.
     */
    public function testEmptyChoiceForACartOfWhichNothingIsKnownIsNone(): void
    {
        $this->references->chosenForCart(70, '', '', 3);
        self::assertSame([], $this->tables->rows);
        $this->references->chosenForCart(70, 'ana', 'by telephone', 3);
        $this->references->chosenForCart(70, '', '', 3);
        self::assertSame('', $this->references->ofCart(70)['manual']);
    }

    /**
     * @param string $first
     * @param string $last
     * @return array<string, array{ref: string, at: int, path: string}>
     */
    private static function visits(string $first, string $last): array
    {
        return [
            'first' => ['ref' => $first, 'at' => 1795210000, 'path' => '/'],
            'last' => ['ref' => $last, 'at' => 1795218000, 'path' => '/shop'],
        ];
    }
}

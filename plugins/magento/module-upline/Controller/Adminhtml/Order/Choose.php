<?php

declare(strict_types=1);

namespace Upline\Commission\Controller\Adminhtml\Order;

use Magento\Backend\App\Action;
use Magento\Framework\App\Action\HttpPostActionInterface;
use Magento\Framework\Controller\ResultFactory;
use Magento\Framework\Controller\ResultInterface;
use Magento\Framework\Exception\LocalizedException;
use Magento\Sales\Api\OrderRepositoryInterface;
use Upline\Commission\Model\Choice;

/**
 * Changes whose sale an order is. The order is told anew.
 */
class Choose extends Action implements HttpPostActionInterface
{
    public const ADMIN_RESOURCE = 'Upline_Commission::attribution';

    /**
     * @param Action\Context $context
     * @param OrderRepositoryInterface $orders
     * @param Choice $choice
     */
    public function __construct(
        Action\Context $context,
        private readonly OrderRepositoryInterface $orders,
        private readonly Choice $choice
    ) {
        parent::__construct($context);
    }

    /**
     * @inheritDoc
     */
    public function execute(): ResultInterface
    {
        $request = $this->getRequest();
        $id = (int) $request->getParam('order_id');
        $redirect = $this->resultFactory->create(ResultFactory::TYPE_REDIRECT);
        try {
            $this->choice->forOrder(
                $this->orders->get($id),
                trim((string) $request->getParam('distributor')),
                trim((string) $request->getParam('reason'))
            );
            $this->messageManager->addSuccessMessage((string) __('Changed. Upline is told with the next run of cron.'));
        } catch (LocalizedException $fault) {
            $this->messageManager->addErrorMessage($fault->getMessage());
        }
        return $redirect->setPath('sales/order/view', ['order_id' => $id]);
    }
}
